#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mesh/core/port.hpp"
#include "node/edge/connection.hpp"
#include "node/edge/hub_link.hpp"
#include "node/edge/node_limits.hpp"
#include "node/edge/reactor.hpp"

namespace tulle::node {

/// One protocol on one shard: what the protocol says to its clients on one side, and to the mesh on the other.
///
/// Each edge has a port of its own (EdgePort): an index and a mailbox at the hub, so that the subscriptions of two
/// edges of one shard never meet. Edges never include each other. Everything that an edge must do is pure here: an edge
/// that forgot to answer queries, say, would let every read of the mesh time out.
///
/// Thread: the shard's.
/// Errors: an exception in accept ends that connection's socket; in on_mail see on_mail_lost; in end_turn and drain it
///         ends the process.
class Edge {
public:
    Edge() = default;
    Edge(const Edge&) = delete;
    Edge& operator=(const Edge&) = delete;
    virtual ~Edge() = default;

    // ---- connections ----

    /// A new connection, which NodeLimits has let in.
    virtual void accept(Socket socket, Peer peer) = 0;
    /// The node is full. True: the edge has ended a connection that nobody misses, and asks to try again.
    [[nodiscard]] virtual bool make_room() = 0;
    /// Tells the peer, in the protocol's words and without waiting, that there is no room. The socket is closed then.
    virtual void refuse(Socket& socket) = 0;
    /// Frees so much memory, by closing those clients for whom most is held.
    virtual void shed(std::uint64_t bytes) = 0;
    /// Clients that are connected now.
    [[nodiscard]] virtual std::size_t clients() const = 0;

    // ---- the mesh ----

    /// A message of the hub's, but LocalQuery. The edge may move out of it.
    virtual void on_mail(mesh::ToShard& message) = 0;
    /// No further message comes just now: what was gathered over several is sent.
    virtual void end_mail() = 0;
    /// on_mail or end_mail has thrown. The hub says nothing twice, and nobody may miss a part of it without knowing:
    /// ends every connection that `message`, or one gathered before it, may have been for.
    virtual void on_mail_lost(const mesh::ToShard& message, const std::exception& error) noexcept = 0;
    /// This port's part of the answer to a Query of any node, in parts of at most mesh::kMaxQueryPartBytes. Empty when
    /// the query is not of this protocol, or nothing is to be said.
    [[nodiscard]] virtual std::vector<std::string> answer(const std::string& query) = 0;

    // ---- turns ----

    /// The turn ends: says to the hub what has changed in it.
    virtual void end_turn() = 0;
    /// The hub has taken all that was said: clients that are not read may be read again.
    virtual void on_hub_room() = 0;
    /// The node is going away. The connections are told by Connection::drain.
    virtual void begin_drain() = 0;
};

/// What the edges of a shard share. All of it outlives them.
struct ShardContext {
    Reactor& reactor;
    std::shared_ptr<NodeLimits> limits;
    std::size_t shards = 1;        ///< of the node
    bool speaks_for_node = false;  ///< one shard does, where the shards count something together
};

/// What an edge is given: what it shares, and its own way to the hub, which outlives it.
struct EdgeContext : ShardContext {
    HubLink& hub;
};

using MakeEdge = std::function<std::unique_ptr<Edge>(const EdgeContext&)>;

}  // namespace tulle::node
