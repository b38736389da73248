#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/time.hpp"
#include "mesh/io/mesh_runner.hpp"
#include "node/admin/admin_server.hpp"
#include "node/admin/redis_view.hpp"
#include "node/admin/reload_counters.hpp"
#include "node/app/compared_apps.hpp"
#include "node/app/config.hpp"
#include "node/app/ports_file.hpp"
#include "node/app/redis_bridge.hpp"
#include "node/app/signals.hpp"
#include "node/core/counter.hpp"
#include "node/core/drain_state.hpp"
#include "node/edge/event_log.hpp"
#include "node/edge/memory_watch.hpp"
#include "node/edge/node_limits.hpp"
#include "node/edge/shard.hpp"
#include "node/pusher/edge/app_rations.hpp"
#include "node/pusher/edge/pusher_edge.hpp"
#include "node/pusher/edge/span_exporter.hpp"
#include "node/pusher/edge/webhook_worker.hpp"
#include "node/redis/core/realm.hpp"
#include "node/tls/tls_server.hpp"

namespace tulle::node {

/// A whole node: the mesh, the shards, the webhook worker and the admin listener, joined by their mailboxes.
///
/// Thread: the main thread. The parts have threads of their own.
/// Ownership: owns all parts. `signals` must outlive the node.
class Composition {
public:
    /// Makes all parts and binds all addresses; nothing is served before start(). Throws std::runtime_error with the
    /// address that could not be bound.
    Composition(const Config& config, Signals& signals);
    /// Stops and joins every thread. The threads of the shards, of the webhooks and of the admin listener end before
    /// the hub's thread, because they write into the hub's mailbox. The mailboxes of these parts outlive the hub,
    /// because the hub writes into them.
    ~Composition();
    Composition(const Composition&) = delete;
    Composition& operator=(const Composition&) = delete;

    /// The addresses as bound: a configured port 0 is replaced by the port that the kernel has chosen.
    [[nodiscard]] const BoundPorts& ports() const { return ports_; }
    /// Starts all threads. Call once.
    void start();
    /// Serves `apps` from this call on. Shards change to the new table a moment later, each in its own turn.
    void set_apps(const AppTable& apps);
    /// Reads the certificates again, and shows them to clients that connect from then on. Files that cannot be used are
    /// counted and stand in the log, and the certificates stay as they are. Does nothing for a node without TLS.
    /// `is_asked_for`: the log tells of a reading without changes as well. Returns why the certificates stay as they
    /// are; empty after a success.
    std::string reload_certificates(const TlsFiles& files, bool is_asked_for);
    /// Replaces the mesh keys, and the secrets of session tickets that are derived from the keys: those hold from the
    /// next reload_certificates() on. REQUIRES: the node has keys, and `keys` is not empty.
    void set_mesh_keys(const mesh::KeyRing& keys);
    /// kInPart: the apps that were read are in force, but other files are still wrong. kRefused: nothing has changed.
    enum class ReloadResult : std::uint8_t { kGood, kInPart, kRefused };
    /// Counts a reload.
    void note_reload(ReloadResult result);
    /// The flight recorder of the node.
    [[nodiscard]] EventLog& events() { return *events_; }
    void set_admin_tokens(std::vector<AdminToken> tokens) { admin_->set_tokens(std::move(tokens)); }
    /// How many requests to the admin listener have asked for a reload.
    [[nodiscard]] std::uint64_t reloads_asked() const { return admin_->reloads_asked(); }
    /// Answers the first `asked` of those requests: a reload has ended so.
    void answer_reloads(std::uint64_t asked, ReloadOutcome outcome) { admin_->reloaded(asked, std::move(outcome)); }
    /// The number of clients connected now.
    [[nodiscard]] std::uint64_t clients() const { return sum(&ShardCounters::clients); }
    /// The clients that have come, and the events that have been published over HTTP, since the start.
    [[nodiscard]] std::uint64_t arrivals() const {
        return sum(&ShardCounters::clients_opened_total) + sum(&ShardCounters::http_publishes_total);
    }
    /// Shows how far the node is in letting its clients go: /ready depends on the state. `stops`: a signal has come.
    void set_drain(DrainState state, bool stops);
    /// Answers to health checks that have told of the drain, since the start.
    [[nodiscard]] std::uint64_t told_checks() const { return limits_->told_checks(); }
    /// Why the listeners closed by move_clients() cannot listen again; empty when they can.
    [[nodiscard]] std::string why_closed() const;
    /// Closes the listeners for clients, and closes the clients one after the other within drain_duration.
    void move_clients();
    /// Undoes move_clients(). Does nothing while clients are kept.
    void keep_clients();
    /// Ends the node in order, clients first and mesh last: no new clients; 4200 to every client; the webhooks that
    /// wait; Leave to the mesh. Each step has a deadline. A client that is still there at its deadline is cut, so that
    /// nobody is subscribed at a node that has left.
    ///
    /// `is_hasty`: no step takes longer than kHastyStep. A signal during the call has that effect from then on, and a
    /// signal after that ends the call.
    ///
    /// Returns true when all steps have been taken to their end. Returns false when haste has cut a step short; after a
    /// signal too many the caller ends the process at once.
    [[nodiscard]] bool leave(bool is_hasty);

private:
    // More fields than 15: a node's parts, which end in the order of the destructor, and how far its end has come.

    using Done = std::function<void()>;
    /// The result of run().
    enum class Wait : std::uint8_t {
        kDone,
        kTimeout,
        /// A signal too many has come: nothing more is waited for.
        kEnd,
    };
    /// The longest step of a hasty end.
    static constexpr Duration kHastyStep = 1s;
    /// Calls `begin`, and waits until `begin`'s argument Done has been called `count` times, from any threads. Waits
    /// for `patience` at most, or kHastyStep once a signal asks for haste.
    [[nodiscard]] Wait run(std::size_t count, Duration patience, const std::function<void(const Done&)>& begin);
    /// Ends all connections of clients. False: a signal too many has come.
    [[nodiscard]] bool let_clients_go();
    /// Closes `count` clients of all shards together, within `duration`. Any thread.
    void move_some(std::uint64_t count, Duration duration);
    /// The sum over the shards.
    [[nodiscard]] std::uint64_t sum(Counter ShardCounters::*counter) const;
    /// The options of the edge of a shard.
    [[nodiscard]] PusherOptions pusher_options(const Config& config, const AppTable& apps) const;
    /// Makes the shards and binds the public address.
    void bind_shards(const Config& config, const AppTable& apps);
    /// Adds an edge for the Redis protocol to the first shard, if there is to be one, and binds its address.
    void bind_redis(const Config& config, const AppTable& apps);
    /// Adds the shard's listener for TLS, if there is to be one. `listen`: the address; the first shard puts the
    /// address as bound there.
    void bind_tls(const Config& config, EdgePort& port, std::optional<Address>& listen);
    /// Shows the present certificates in the metrics.
    void note_certificates();
    /// Makes the webhook worker, which does this node's share of the mesh's duties.
    void add_webhooks(const Config& config, const AppTable& apps);

    /// The realms of Redis clients, and what the admin listener shows of them.
    struct RedisPart {
        redis::Realms realms;
        RedisView view;
    };

    Signals& signals_;
    const Duration drain_duration_;
    /// The addresses of the listeners for clients, as bound.
    std::vector<Address> client_addresses_;
    /// The listeners are closed (move_clients).
    bool is_moving_ = false;
    bool is_hasty_ = false;
    /// A step of leave() has ended before its time, for haste.
    bool was_cut_short_ = false;
    /// True when the hub is a guest of the first shard's thread.
    const bool is_hub_on_shard_;
    BoundPorts ports_;
    ReloadCounters reloads_;
    /// The flight recorder. Every part may write there.
    std::shared_ptr<EventLog> events_ = std::make_shared<EventLog>();
    /// What the admin listener shows of the apps, and what that is made of.
    ComparedApps compared_;
    std::shared_ptr<NodeLimits> limits_;
    std::shared_ptr<AppRations> rations_;
    /// Null without an address for TLS. The shards' listeners refer to it.
    std::unique_ptr<TlsServer> tls_;
    std::unique_ptr<mesh::MeshRunner> mesh_;
    std::vector<std::unique_ptr<Shard>> shards_;
    /// The spans of traced messages, and their way out; null without otlp_endpoint.
    std::shared_ptr<SpanQueue> spans_;
    std::unique_ptr<SpanExporter> exporter_;
    /// The edge of each shard. The shard owns its edge.
    std::vector<PusherEdge*> pushers_;
    /// Null when no realm has an app. Belongs to the first shard's thread.
    std::shared_ptr<RedisBridge> bridge_;
    /// Nothing without redis_listen.
    std::optional<RedisPart> redis_;
    std::unique_ptr<WebhookWorker> webhooks_;
    std::unique_ptr<AdminServer> admin_;
    /// Null without a memory limit.
    std::unique_ptr<MemoryWatch> memory_;
};

}  // namespace tulle::node
