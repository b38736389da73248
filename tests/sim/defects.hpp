#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "mesh/core/node/mesh_node.hpp"
#include "tests/sim/planted.hpp"

namespace tulle::sim {

/// Plants one defect in every node of a world: stands between the world and its nodes, and spoils what goes into a node
/// or comes out of it, as a node with that defect would have read or said it. With Planted::kNone it passes all on as
/// it is.
class Defects {
public:
    explicit Defects(Planted planted) : planted_(planted) {}

    /// How a node starts.
    void spoil(mesh::NodeOptions& options) const;
    /// One turn of the node `self` at `now` of its own clock.
    void turn(mesh::MeshNode& node, OriginId self, Instant now, const std::vector<mesh::Input>& inputs,
              mesh::Effects& out);

private:
    using FrameKey = std::tuple<OriginId, mesh::SessionTag, mesh::FrameNo>;
    using Confirmed = std::tuple<mesh::ShardIndex, std::string, std::uint64_t>;
    /// Members that an origin has listed and that the node is not told of yet.
    struct Withheld {
        std::vector<mesh::PresencePartPtr> parts;
        bool is_due = false;
    };
    struct OfNode {
        std::set<FrameKey> frames;
        std::map<Confirmed, bool>
            confirmed;  ///< too early; true: that has been said, and the node's own word is dropped
        std::map<OriginId, Withheld> withheld;
        std::map<OriginId, mesh::RecordNo> received;  ///< the last record of each origin that came
        bool is_mute = false;
    };
    /// One node in one of its turns.
    struct Turn {
        mesh::MeshNode& node;
        OriginId self;
        OfNode& state;
        Instant now;
        mesh::Effects& out;
    };

    void step(Turn& turn, mesh::Input input);
    void on_control(Turn& turn, mesh::Control control);
    void on_data(Turn& turn, mesh::Data data);
    void on_port(Turn& turn, const mesh::PortInput& input);
    void settle(Turn& turn);
    void fill_in(Turn& turn);
    static void deliver_again(Turn& turn, const mesh::Frame& frame);
    static void withhold(Turn& turn, OriginId from, mesh::Frame& frame);
    static void end_session(Turn& turn, OriginId oid);
    static void answer_duties(Turn& turn, Planted planted);

    Planted planted_;
    std::map<OriginId, OfNode> nodes_;
    std::map<OriginId, std::map<mesh::RecordNo, mesh::RecordPtr>> records_;  ///< by origin, that any node has received
};

}  // namespace tulle::sim
