#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mesh/base/time.hpp"
#include "mesh/core/node/port.hpp"
#include "node/admin/admin_tokens.hpp"
#include "node/admin/apps_view.hpp"
#include "node/admin/redis_view.hpp"
#include "node/admin/reload_counters.hpp"
#include "node/admin/reload_outcome.hpp"
#include "node/core/address.hpp"
#include "node/edge/event_log.hpp"
#include "node/edge/node_limits.hpp"
#include "node/edge/refusal_watch.hpp"
#include "node/edge/shard_counters.hpp"
#include "node/pusher/core/app_sums.hpp"
#include "node/pusher/core/apps.hpp"

namespace tulle::node {

/// What the admin listener is told at its start.
struct AdminOptions {
    /// Host names of the listener, besides localhost and IP addresses. A request for any other host is refused.
    std::vector<std::string> names;
    /// Without any token the listener asks for none.
    std::vector<AdminToken> tokens;
    /// Asks the owner of the server for a reload. Called on the listener's thread; must not wait. The owner answers by
    /// AdminServer::reloaded.
    std::function<void()> ask_reload;
    /// The name of this node.
    std::string name{};
    /// Asks the owner to move the node's clients away (true), or to keep them. As ask_reload; there is no answer.
    std::function<void(bool)> ask_drain;
    /// Has the node close some clients within a time. Called on the listener's thread; must not wait.
    std::function<void(std::uint64_t count, Duration duration)> move_some;
    /// The status of /ready while the node drains.
    unsigned drain_ready_status = 503;
    /// Nothing for a node without a listener for clients of Redis. The counters must outlive the server.
    std::optional<RedisView> redis = {};
    /// Adds up what the apps use of the node. Called on the listener's thread.
    std::function<void(AppSumsById&)> app_sums = [](AppSumsById&) {};
    /// The apps as nodes compare them, and the settings that are to be the same everywhere.
    AppsView apps_view = {};
    /// The node's flight recorder.
    std::shared_ptr<EventLog> events = std::make_shared<EventLog>();
    /// Tells of refused clients for a while. Null: /v1/log answers 503.
    RefusalWatch* refusals = nullptr;
};

/// The admin listener on a thread of its own. Its pages are those of kAdminRoutes: health checks, metrics, the view of
/// this node (/v1/status), the views of all nodes (/v1/doctor), what has happened at this node (/v1/events), who is
/// connected anywhere in the mesh (/v1/channels, /v1/presence, /v1/conns), and orders (/v1/reload, /v1/drain,
/// /v1/undrain, /v1/rebalance, /v1/conns/kick, /v1/log). To the hub the listener is another shard, without
/// subscriptions; of the queries of the mesh, the listener answers the doctor's and the orders to drain and to
/// rebalance.
///
/// AdminGate decides which requests are served: web pages are kept away, and with tokens configured everything but the
/// health checks needs a token.
///
/// Thread: its owner's; set_apps, set_apps_view, set_redis, set_tokens, reloads_asked, reloaded and begin_drain from
///         any.
/// Limits: kMaxAdminConnections; for a further connection the oldest connection that waits for its peer ends.
///         kMaxAdminQuestions wait for other nodes, kMaxAdminWaiting for these and the hub, kMaxAdminReloads for a
///         reload, kMaxAdminFollowers for an event, so that a health check always finds a connection. Requests that
///         only the hub can answer share a question to the hub. The hub has a second to answer; then /metrics does
///         without the hub and the other requests get 503. Doctor and trace wait for other nodes for `timeout_ms`: 1 to
///         10,000, by default 2,000.
/// Errors: bind and bind_socket throw std::runtime_error that names the address. A failure of the thread is logged and
///         ends the process.
class AdminServer {
public:
    /// `index`: the port of this listener alone in the whole node. `hub`, `shards`, `reloads` and `limits` must outlive
    /// the server.
    AdminServer(mesh::ShardIndex index, mesh::HubMailbox& hub, std::vector<const ShardCounters*> shards, AppTable apps,
                const ReloadCounters& reloads, NodeLimits& limits, AdminOptions options);
    /// Stops the thread and joins. Removes the Unix socket.
    ~AdminServer();
    AdminServer(const AdminServer&) = delete;
    AdminServer& operator=(const AdminServer&) = delete;

    /// Resolves, binds and listens; returns the real address. Call either this function or bind_socket, before start().
    Address bind(const Address& address);
    /// Listens on a Unix socket (UnixSocket).
    void bind_socket(const std::string& path);
    /// The hub pushes messages for the listener here.
    [[nodiscard]] mesh::ShardMailbox& mailbox();
    /// Starts the thread and begins to accept.
    void start();
    /// Replaces the apps that traces may name.
    void set_apps(AppTable apps);
    /// Replaces the view of the apps, whose digests change with the apps and with the mesh keys.
    void set_apps_view(AppsView view);
    /// Replaces the view of the clients of Redis, whose digests change with the mesh keys.
    void set_redis(RedisView redis);
    /// Replaces the tokens.
    void set_tokens(std::vector<AdminToken> tokens);
    /// How many requests have asked for a reload so far.
    [[nodiscard]] std::uint64_t reloads_asked() const;
    /// A reload that began when reloads_asked() was `asked` has ended so. Answers the requests that had asked by
    /// then: 422 when something stays as it was.
    void reloaded(std::uint64_t asked, ReloadOutcome outcome);
    /// The node is going away: /ready answers 503 from here on.
    void begin_drain();
    /// Ends the thread. The mailbox stays: the hub may still write into the mailbox.
    void stop();

private:
    class Loop;
    std::unique_ptr<Loop> loop_;
};

}  // namespace tulle::node
