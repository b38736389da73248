#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mesh/core/node/port.hpp"
#include "node/admin/reload_counters.hpp"
#include "node/core/address.hpp"
#include "node/edge/node_limits.hpp"
#include "node/edge/shard_counters.hpp"
#include "node/pusher/core/apps.hpp"

namespace tulle::node {

/// The admin listener on a thread of its own: GET /up, /ready, /metrics, /v1/status (this node's view), /v1/doctor (the
/// views of all nodes) and POST /v1/trace (a marked message). To the hub the listener is another shard, without
/// subscriptions; of the queries of the mesh, the listener answers the doctor's.
///
/// Web pages are kept away (http::PageGuard): anybody who can reach the listener is trusted, and a page makes the
/// browser of its visitor reach the listener.
///
/// Thread: its owner's; set_apps and begin_drain from any.
/// Limits: kMaxAdminConnections; for a further connection the oldest connection that waits for its peer ends.
///         kMaxAdminQuestions wait for other nodes; a further question gets 503. Requests that only the hub can answer
///         share a question to the hub. The hub has a second to answer; then /metrics does without the hub and the
///         other requests get 503. Doctor and trace wait for other nodes for `timeout_ms`: 1 to 10,000, by default
///         2,000.
/// Errors: bind throws std::runtime_error that names the address. A failure of the thread is logged and ends the
///         process.
class AdminServer {
public:
    /// `index`: the port of this listener alone in the whole node. `hub`, `shards`, `reloads` and `limits` must outlive
    /// the server. `names`: host names of the listener, besides localhost and IP addresses; a request for any other
    /// host is refused.
    AdminServer(mesh::ShardIndex index, mesh::HubMailbox& hub, std::vector<const ShardCounters*> shards, AppTable apps,
                const ReloadCounters& reloads, const NodeLimits& limits, const std::vector<std::string>& names);
    /// Stops the thread and joins.
    ~AdminServer();
    AdminServer(const AdminServer&) = delete;
    AdminServer& operator=(const AdminServer&) = delete;

    /// Resolves, binds and listens; returns the real address. Call before start().
    Address bind(const Address& address);
    /// The hub pushes messages for the listener here.
    [[nodiscard]] mesh::ShardMailbox& mailbox();
    /// Starts the thread and begins to accept.
    void start();
    /// Replaces the apps that traces may name.
    void set_apps(AppTable apps);
    /// The node is going away: /ready answers 503 from here on.
    void begin_drain();
    /// Ends the thread. The mailbox stays: the hub may still write into the mailbox.
    void stop();

private:
    class Loop;
    std::unique_ptr<Loop> loop_;
};

}  // namespace tulle::node
