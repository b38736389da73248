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
/// views of all nodes) and POST /v1/trace (a marked message). To the hub it is one more shard, which never subscribes;
/// of queries it answers the doctor's.
///
/// Web pages are kept away (http::PageGuard): who can reach the listener is trusted, and a page makes its visitor's
/// browser reach it.
/// Thread: its owner's; set_apps and begin_drain from any.
/// Limits: kMaxAdminConnections; one more ends the oldest that waits for its peer. kMaxAdminQuestions wait for other
///         nodes; one more is 503. Requests for what the hub alone knows share one question to it. The hub's answer is
///         waited for a second; then /metrics does without it and the others are 503. Doctor and trace wait for other
///         nodes as long as `timeout_ms` says: 1 to 10,000, by default 2,000.
/// Errors: bind throws std::runtime_error that names the address.
class AdminServer {
public:
    /// `shards`, `reloads` and `limits` must outlive it. `names`: hosts that it is called by, besides localhost and IP
    /// addresses.
    AdminServer(mesh::ShardIndex index, mesh::HubMailbox& hub, std::vector<const ShardCounters*> shards, AppTable apps,
                const ReloadCounters& reloads, const NodeLimits& limits, const std::vector<std::string>& names);
    /// Stops and joins.
    ~AdminServer();
    AdminServer(const AdminServer&) = delete;
    AdminServer& operator=(const AdminServer&) = delete;

    Address bind(const Address& address);
    [[nodiscard]] mesh::ShardMailbox& mailbox();
    void start();
    /// The apps from now on.
    void set_apps(AppTable apps);
    /// The node is going away: /ready is 503 from now on.
    void begin_drain();
    /// Ends the thread. The mailbox stays: the hub may still write into it.
    void stop();

private:
    class Loop;
    std::unique_ptr<Loop> loop_;
};

}  // namespace tulle::node
