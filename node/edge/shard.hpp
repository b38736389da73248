#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "mesh/base/time.hpp"
#include "mesh/core/node/hub_turns.hpp"
#include "mesh/core/node/port.hpp"
#include "node/core/flush_mode.hpp"
#include "node/edge/edge.hpp"
#include "node/edge/node_limits.hpp"
#include "node/edge/shard_counters.hpp"

namespace tulle::node {

class EdgePort;

/// The options of a shard.
struct ShardOptions {
    /// The number of the shard, from 0.
    std::size_t number = 0;
    /// The number of shards of the node.
    std::size_t shards = 1;
    /// How bytes reach the kernel.
    FlushMode flush = FlushMode::kUring;
    /// The limits of the node; null: limits of this shard alone.
    std::shared_ptr<NodeLimits> limits = nullptr;
};

/// A thread that runs edges, each with its own acceptor, connections, channels and port to the hub. A shard shares
/// nothing but mailboxes, counters and NodeLimits; the thread may run the hub besides.
///
/// Thread: its owner's, except that any thread may call post, wake, stop_accepting, move_clients, keep_clients,
///         move_some, drain and cut, and use mailboxes.
/// Errors: an exception out of the loop, or out of posted work, is logged where possible and ends the process.
class Shard {
public:
    explicit Shard(const ShardOptions& options);
    /// Stops the thread and joins.
    ~Shard();
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

    /// Adds an edge, which is made at once and lives as long as the shard. Call before start(). `port`: the index of
    /// this edge alone in the whole node, less than mesh::kMaxShards.
    EdgePort& add(mesh::ShardIndex port, mesh::HubMailbox& hub, const MakeEdge& make);
    /// The port indexes of all edges.
    [[nodiscard]] std::vector<mesh::ShardIndex> ports() const;
    /// The counters of the shard. Any thread may read.
    [[nodiscard]] const ShardCounters& counters() const;

    /// Has the shard's thread run the hub, which must outlive the shard. Call before start().
    void host(mesh::HubTurns& hub);
    /// Starts the thread and begins to accept.
    void start();
    /// Runs `work` on the shard's thread. An exception there ends the process.
    void post(std::function<void()> work);
    /// Has the shard look for an order to shed (NodeLimits). Allocates nothing.
    void wake();
    /// Accepts the connections that wait in the kernel, then no more.
    void stop_accepting();
    /// Stops to accept, and closes the clients one after the other within `duration`. Other connections are served.
    void move_clients(Duration duration);
    /// Undoes move_clients(): accepts again, and closes no further client.
    void keep_clients();
    /// Closes `count` clients within `duration`, and goes on to accept. Replaces an earlier call. Does nothing after
    /// move_clients().
    void move_some(std::size_t count, Duration duration);
    /// Has every connection told that the node goes away (Connection::drain), after everything that the shard was given
    /// for the connection before. A turn tells at most kMaxWrites connections, or as many as begin within kTurnTime, so
    /// that each connection is told in the turn in which its subscriptions end; the other connections are served
    /// meanwhile. The shard calls `on_drained` on its thread when no connection is left and the hub's mailbox has all
    /// messages of the connections.
    void drain(std::function<void()> on_drained);
    /// Call after drain: ends the connections that are left. `on_cut` takes the place of `on_drained`.
    void cut(std::function<void()> on_cut);
    /// Ends the thread. The mailboxes stay: the hub may still write into the mailboxes.
    void stop();

private:
    class Loop;
    std::unique_ptr<Loop> loop_;
};

}  // namespace tulle::node
