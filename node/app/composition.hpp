#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "mesh/io/mesh_runner.hpp"
#include "node/admin/admin_server.hpp"
#include "node/admin/reload_counters.hpp"
#include "node/app/config.hpp"
#include "node/app/ports_file.hpp"
#include "node/app/signals.hpp"
#include "node/edge/memory_watch.hpp"
#include "node/edge/node_limits.hpp"
#include "node/edge/shard.hpp"
#include "node/pusher/edge/app_rations.hpp"
#include "node/pusher/edge/pusher_edge.hpp"
#include "node/pusher/edge/webhook_worker.hpp"

namespace tulle::node {

/// A whole node: the mesh, the shards and the admin listener, joined by their mailboxes.
///
/// Thread: one, the main thread; the parts have their own.
class Composition {
public:
    /// Binds everything. Throws std::runtime_error that names the address that could not be bound.
    Composition(const Config& config, Signals& signals);
    /// Stops and joins every thread: the shards' first, as they write into the hub's mailbox; theirs outlive the hub.
    ~Composition();
    Composition(const Composition&) = delete;
    Composition& operator=(const Composition&) = delete;

    [[nodiscard]] const BoundPorts& ports() const { return ports_; }
    void start();
    /// Serves these apps from now on.
    void set_apps(const AppTable& apps);
    /// The apps could not be read, and stay.
    void reload_failed();
    /// The orderly end, clients first and mesh last: no new clients, 4200 to every client, what waits for webhooks,
    /// Leave to the mesh, each with a deadline. A client that is still there at its deadline is cut, so that nobody is
    /// subscribed at a node that has left. Returns false when a second signal asked for haste.
    [[nodiscard]] bool drain();

private:
    using Done = std::function<void()>;
    enum class Wait : std::uint8_t { kDone, kTimeout, kHaste /** a signal has come */ };
    /// Begins something, and waits until it has called Done `count` times.
    [[nodiscard]] Wait run(std::size_t count, Duration patience, const std::function<void(const Done&)>& begin);
    [[nodiscard]] bool let_clients_go();
    [[nodiscard]] PusherOptions pusher_options(const Config& config, const AppTable& apps) const;
    void bind_shards(const Config& config, const AppTable& apps);
    void add_webhooks(const Config& config, const AppTable& apps);

    Signals& signals_;
    const bool is_hub_on_shard_;
    BoundPorts ports_;
    ReloadCounters reloads_;
    std::shared_ptr<NodeLimits> limits_;
    std::shared_ptr<AppRations> rations_;
    std::unique_ptr<mesh::MeshRunner> mesh_;
    std::vector<std::unique_ptr<Shard>> shards_;
    std::vector<PusherEdge*> pushers_;  ///< one in each shard, which owns it
    std::unique_ptr<WebhookWorker> webhooks_;
    std::unique_ptr<AdminServer> admin_;
    std::unique_ptr<MemoryWatch> memory_;  ///< null: no limit
};

}  // namespace tulle::node
