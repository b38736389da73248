#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "mesh/core/node/port.hpp"
#include "node/edge/shard_counters.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/core/webhooks.hpp"

namespace tulle::node {

/// Does this node's duties, on a thread of its own: tells the endpoints of the apps what has happened, and the
/// subscribers of counted channels how many they are. To the hub it is one more shard, which never subscribes.
///
/// Thread: its owner's; set_apps, finish and mailbox from any.
/// Limits: webhook_limits.hpp.
/// Errors: the constructor throws std::runtime_error when HTTP requests can't be set up.
class WebhookWorker {
public:
    WebhookWorker(mesh::ShardIndex index, mesh::HubMailbox& hub, AppTable apps, WebhookSettings settings,
                  std::uint64_t seed);
    /// Stops and joins.
    ~WebhookWorker();
    WebhookWorker(const WebhookWorker&) = delete;
    WebhookWorker& operator=(const WebhookWorker&) = delete;

    [[nodiscard]] mesh::ShardMailbox& mailbox();
    /// Those of webhooks are counted here.
    [[nodiscard]] const ShardCounters& counters() const;
    void start();
    /// The apps have changed: what waits for endpoints that are no more is given up.
    void set_apps(AppTable apps);
    /// The node is leaving: takes no more duties, as others will do them; sends what waits, once. `on_finished` is
    /// called on the worker's thread when that is done, or kWebhookDrainTimeout is over.
    void finish(std::function<void()> on_finished);
    /// Ends the thread. The mailbox stays: the hub may still write into it.
    void stop();

private:
    class Loop;
    std::unique_ptr<Loop> loop_;
};

}  // namespace tulle::node
