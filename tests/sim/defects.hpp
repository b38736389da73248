#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "mesh/core/node/mesh_node.hpp"
#include "tests/sim/planted.hpp"

namespace tulle::sim {

/// Plants a single defect in every node of a world. Stands between the world and the nodes, and spoils the input or the
/// output of a node as a node with the defect would have read or said. With Planted::kNone everything passes unchanged.
class Defects {
public:
    explicit Defects(Planted planted) : planted_(planted) {}

    /// Changes the options of a node before the start.
    void spoil(mesh::NodeOptions& options) const;
    /// A turn of the node `self` at `now` of the node's own clock: takes `inputs`, settles the node, and appends the
    /// effects to `out`.
    void turn(mesh::MeshNode& node, OriginId self, Instant now, const std::vector<mesh::Input>& inputs,
              mesh::Effects& out);

private:
    using FrameKey = std::tuple<OriginId, mesh::SessionTag, mesh::FrameNo>;
    using Confirmed = std::tuple<mesh::ShardIndex, std::string, std::uint64_t>;
    /// Users listed by an origin and not yet passed to the node.
    struct Withheld {
        std::vector<mesh::PresencePartPtr> parts;
        /// True: a heartbeat of the origin has come since. The next frame of the origin then brings the users.
        bool is_due = false;
    };
    /// The state of the defect at a node.
    struct OfNode {
        std::set<FrameKey> frames;
        /// Confirmed too early. True: the shard has been told, and the node's own word is to be dropped.
        std::map<Confirmed, bool>
            confirmed;  ///< too early; true: that has been said, and the node's own word is dropped
        std::map<OriginId, Withheld> withheld;
        /// By origin: the last record that came.
        std::map<OriginId, mesh::RecordNo> received;
        bool is_mute = false;
    };
    /// A node within a turn.
    struct Turn {
        mesh::MeshNode& node;
        OriginId self;
        OfNode& state;
        Instant now;
        mesh::Effects& out;
    };

    /// Passes an input on, spoiled if the defect says so.
    void step(Turn& turn, mesh::Input input);
    void on_control(Turn& turn, mesh::Control control);
    void on_data(Turn& turn, mesh::Data data);
    /// Publishes as if no copies were wanted, and answers as if there were so many.
    void answer_at_once(Turn& turn, mesh::ShardIndex shard, mesh::Publish publish);
    void on_port(Turn& turn, const mesh::PortInput& input);
    /// The end of a turn: settles the node and spoils the output.
    void settle(Turn& turn);
    /// Fills in for silent origins whose sessions still stand.
    void fill_in(Turn& turn);
    /// Delivers the records of a frame a second time.
    static void deliver_again(Turn& turn, const mesh::Frame& frame);
    /// Keeps back the users listed in a frame, and adds users kept back earlier when due.
    static void withhold(Turn& turn, OriginId from, mesh::Frame& frame);
    /// Ends the session with a peer as after the peer's death.
    static void end_session(Turn& turn, OriginId oid);
    /// Spoils answers about what clients have missed.
    static void change_resumed(Turn& turn, Planted planted);
    /// Answers duties in the shard's stead.
    static void answer_duties(Turn& turn, Planted planted);

    Planted planted_;
    std::map<OriginId, OfNode> nodes_;
    /// By origin: the records that any node has received.
    std::map<OriginId, std::map<mesh::RecordNo, mesh::RecordPtr>> records_;
};

}  // namespace tulle::sim
