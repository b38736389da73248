#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "mesh/core/hub_turns.hpp"
#include "mesh/core/port.hpp"
#include "node/core/address.hpp"
#include "node/core/apps.hpp"
#include "node/core/flush_mode.hpp"
#include "node/core/outbox.hpp"
#include "node/io/node_limits.hpp"
#include "node/io/shard_counters.hpp"
#include "node/protocol/pusher/session.hpp"

namespace tulle::node {

/// What the demo mode serves beside the API; an empty page means that it is off.
struct DemoContent {
    std::string page;
    std::string app_key;  ///< of the default loopback app alone, whose credentials are public
    std::string app_secret;
};

struct ShardOptions {
    mesh::ShardIndex index;
    std::size_t shards = 1;  ///< of the node
    std::shared_ptr<const AppTable> apps;
    pusher::SessionTimeouts timeouts;
    Duration http_idle_timeout = kHttpIdleTimeout;
    OutboxLimits outbox{kMaxOutboxBytes, kWriteTimeout};
    FlushMode flush = FlushMode::kUring;
    bool permessage_deflate = false;
    std::shared_ptr<NodeLimits> limits = nullptr;  ///< of the node; null: of this shard alone
    DemoContent demo;
    std::uint64_t seed = 0;  ///< of the socket ids: random, another for each shard
};

/// One thread with its own acceptor, connections and channels. Shares nothing but the two mailboxes and its counters;
/// may run the hub besides.
///
/// Thread: its owner's; set_apps, wake, stop_accepting, drain, cut and mailbox from any.
/// Errors: bind and join throw std::runtime_error that names the address.
class Shard {
public:
    Shard(ShardOptions options, mesh::HubMailbox& hub);
    /// Stops and joins.
    ~Shard();
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

    /// The first shard of an address: gives it with its real port.
    Address bind(const Address& address);
    /// The other shards of that address.
    void join(const Address& address);
    /// Where the hub puts what is for this shard; lives as long as the shard.
    [[nodiscard]] mesh::ShardMailbox& mailbox();
    [[nodiscard]] const ShardCounters& counters() const;

    /// Before start(): this shard's thread runs the hub, which outlives it.
    void host(mesh::HubTurns& hub);
    /// Spawns the thread.
    void start();
    /// The apps from now on. Clients of apps that are no longer among them are closed.
    void set_apps(AppTable apps);
    /// Has it look for an order to shed (NodeLimits). Allocates nothing.
    void wake();
    void stop_accepting();
    /// Closes every client with 4200, after all that the shard was given for it before, and ends HTTP connections once
    /// they have been answered. At most kMaxWrites connections in a turn, or as many as begin within kTurnTime, so that
    /// each Close leaves in the turn in which its client's subscriptions end; the others go on being served meanwhile.
    /// `on_drained` is called on the shard's thread when no connection is left and the hub's mailbox has all that they
    /// said.
    void drain(std::function<void()> on_drained);
    /// After drain: ends the connections that are left; `on_cut` takes the place of `on_drained`.
    void cut(std::function<void()> on_cut);
    /// Ends the thread. The mailbox stays: the hub may still write into it.
    void stop();

private:
    class Loop;
    std::unique_ptr<Loop> loop_;
};

}  // namespace tulle::node
