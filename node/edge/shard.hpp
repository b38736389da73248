#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "mesh/core/node/hub_turns.hpp"
#include "mesh/core/node/port.hpp"
#include "node/core/flush_mode.hpp"
#include "node/edge/edge.hpp"
#include "node/edge/node_limits.hpp"
#include "node/edge/shard_counters.hpp"

namespace tulle::node {

class EdgePort;

struct ShardOptions {
    std::size_t number = 0;  ///< from 0
    std::size_t shards = 1;  ///< of the node
    FlushMode flush = FlushMode::kUring;
    std::shared_ptr<NodeLimits> limits = nullptr;  ///< of the node; null: of this shard alone
};

/// One thread that runs edges, each with its own acceptor, connections, channels and port to the hub. Shares nothing
/// but mailboxes and its counters; may run the hub besides.
///
/// Thread: its owner's; post, wake, stop_accepting, drain, cut and mailboxes from any.
class Shard {
public:
    explicit Shard(const ShardOptions& options);
    /// Stops and joins.
    ~Shard();
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

    /// Before start(): one more edge, which is made now and lives as long as the shard. `port`: of this edge alone in
    /// the whole node, less than mesh::kMaxShards.
    EdgePort& add(mesh::ShardIndex port, mesh::HubMailbox& hub, const MakeEdge& make);
    /// Of all its edges.
    [[nodiscard]] std::vector<mesh::ShardIndex> ports() const;
    [[nodiscard]] const ShardCounters& counters() const;

    /// Before start(): this shard's thread runs the hub, which outlives it.
    void host(mesh::HubTurns& hub);
    /// Spawns the thread.
    void start();
    /// Runs `work` on the shard's thread. An exception there ends the process.
    void post(std::function<void()> work);
    /// Has it look for an order to shed (NodeLimits). Allocates nothing.
    void wake();
    void stop_accepting();
    /// Has every connection told that the node goes away (Connection::drain), after all that the shard was given for it
    /// before. At most kMaxWrites connections in a turn, or as many as begin within kTurnTime, so that each is told in
    /// the turn in which its subscriptions end; the others go on being served meanwhile. `on_drained` is called on the
    /// shard's thread when no connection is left and the hub's mailbox has all that they said.
    void drain(std::function<void()> on_drained);
    /// After drain: ends the connections that are left; `on_cut` takes the place of `on_drained`.
    void cut(std::function<void()> on_cut);
    /// Ends the thread. The mailboxes stay: the hub may still write into them.
    void stop();

private:
    class Loop;
    std::unique_ptr<Loop> loop_;
};

}  // namespace tulle::node
