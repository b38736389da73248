#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "mesh/core/node/port.hpp"
#include "node/edge/shard_counters.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/core/webhooks.hpp"

namespace tulle::node {

/// Does this node's duties on a thread of its own: tells the endpoints of the apps what has happened, and tells the
/// subscribers of counted channels how many they are. To the hub the worker is a further shard without subscriptions.
///
/// Thread: the owner's; set_apps(), finish() and mailbox() from any thread.
/// Limits: see webhook_limits.hpp.
/// Errors: the constructor throws std::runtime_error when HTTP requests cannot be set up. A piece of work that fails
///         for want of memory is given up and counted; the thread goes on.
class WebhookWorker {
public:
    /// `index` names the worker at the hub. `hub` must outlive the worker. `seed` varies the pauses between attempts.
    WebhookWorker(mesh::ShardIndex index, mesh::HubMailbox& hub, AppTable apps, WebhookSettings settings,
                  std::uint64_t seed);
    /// Stops the thread and waits for its end.
    ~WebhookWorker();
    WebhookWorker(const WebhookWorker&) = delete;
    WebhookWorker& operator=(const WebhookWorker&) = delete;

    /// Where the hub puts messages for the worker.
    [[nodiscard]] mesh::ShardMailbox& mailbox();
    /// The metrics of webhooks.
    [[nodiscard]] const ShardCounters& counters() const;
    /// Starts the thread. To be called once.
    void start();
    /// The apps have a new configuration. Events for endpoints without a configuration are given up.
    void set_apps(AppTable apps);
    /// The node is leaving: takes no further duty, as other nodes will do them, and sends the waiting events once. The
    /// worker's thread calls `on_finished` when everything is sent, or kWebhookDrainTimeout is over.
    void finish(std::function<void()> on_finished);
    /// Ends the thread. The mailbox stays, as the hub may still write into it.
    void stop();

private:
    class Loop;
    std::unique_ptr<Loop> loop_;
};

}  // namespace tulle::node
