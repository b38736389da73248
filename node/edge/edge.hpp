#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mesh/core/node/port.hpp"
#include "node/edge/connection.hpp"
#include "node/edge/hub_port.hpp"
#include "node/edge/node_limits.hpp"
#include "node/edge/reactor.hpp"

namespace tulle::node {

/// A protocol on a shard: the protocol speaks to its clients on one side, and to the mesh on the other.
///
/// Each edge has a port of its own (EdgePort): an index and a mailbox at the hub, so that the subscriptions of two
/// edges of one shard never meet. Edges never include each other. Every duty of an edge is a pure virtual method here:
/// an edge without an answer to queries, for example, would let every read of the mesh time out.
///
/// Thread: the shard's.
/// Errors: an exception in accept closes the socket of the new connection. For an exception in on_mail see
///         on_mail_lost. An exception in end_turn, end_idle or begin_drain ends the process.
class Edge {
public:
    Edge() = default;
    Edge(const Edge&) = delete;
    Edge& operator=(const Edge&) = delete;
    virtual ~Edge() = default;

    // ---- connections ----

    /// Takes in a new connection, which NodeLimits has let in.
    virtual void accept(Socket socket, Peer peer) = 0;
    /// The node is full. True: the edge has ended a connection that nobody misses, and the caller may try again.
    [[nodiscard]] virtual bool make_room() = 0;
    /// Tells the peer, in the protocol's words and without waiting, that there is no room. The caller then closes the
    /// socket.
    virtual void refuse(Socket& socket) = 0;
    /// Frees `bytes` of memory, by closing the clients that hold most memory.
    virtual void shed(std::uint64_t bytes) = 0;
    /// The number of clients that are connected now.
    [[nodiscard]] virtual std::size_t clients() const = 0;

    // ---- the mesh ----

    /// Takes a message of the hub, of any kind but LocalQuery. The edge may move values out of the message.
    virtual void on_mail(mesh::ToShard& message) = 0;
    /// No further message comes for the moment: the edge sends everything gathered over several messages.
    virtual void end_mail() = 0;
    /// on_mail or end_mail has thrown an exception. The hub says nothing twice, and no client may miss a message
    /// without knowing. So the edge ends every connection that `message`, or a message gathered before, may have been
    /// for.
    virtual void on_mail_lost(const mesh::ToShard& message, const std::exception& error) noexcept = 0;
    /// The port's part of the answer to a Query of any node, in parts of at most mesh::kMaxQueryPartBytes. The answer
    /// is empty for a query of another protocol, or when there is nothing to say. Nothing: the edge sends its parts of
    /// the answer later (mesh::LocalAnswer), the last one marked.
    [[nodiscard]] virtual std::optional<std::vector<std::string>> answer(const mesh::LocalQuery& query) = 0;

    // ---- turns ----

    /// The turn ends: the edge tells the hub about every change of this turn.
    virtual void end_turn() = 0;
    /// The hub has taken everything that the edge had to say: clients whose reading was paused may be read again.
    virtual void on_hub_room() = 0;
    /// The clients are about to be closed one after the other (`is_moving`), or are no longer: of a client that leaves
    /// meanwhile the mesh is told with a grace, as the client comes back at another node.
    virtual void set_moving(bool is_moving) = 0;
    /// The listeners have closed, and everybody is to go to other nodes: the edge ends connections without a client
    /// that have been idle for a while, such as those that a proxy keeps for later requests. Otherwise a proxy could
    /// bring clients to this node over such a connection. The clients are closed one after the other meanwhile.
    virtual void end_idle() = 0;
    /// The clients that may be closed, in the order in which they are to go: first those that miss least.
    /// `is_for_balance`: only those that are spread over the nodes by their number.
    [[nodiscard]] virtual std::vector<Slot> clients_to_move(bool is_for_balance) const = 0;
    /// The node is going away. Connection::drain tells each connection.
    virtual void begin_drain() = 0;
};

/// The parts of a shard that its edges share. Each part outlives the edges.
struct ShardContext {
    Reactor& reactor;
    std::shared_ptr<NodeLimits> limits;
    /// The number of shards of the node.
    std::size_t shards = 1;
    /// True for a single shard of the node, which speaks where the shards count something together.
    bool speaks_for_node = false;
};

/// The parts that an edge is given: the shared ones, and the edge's own way to the hub, which outlives the edge.
struct EdgeContext : ShardContext {
    HubPort& hub;
};

using MakeEdge = std::function<std::unique_ptr<Edge>(const EdgeContext&)>;
/// Makes the edge of a shard. Called on the thread that builds the node, before the shard's thread runs.

}  // namespace tulle::node
