#include "node/app/composition.hpp"

#include <algorithm>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

#include <spdlog/spdlog.h>

#include "mesh/base/assert.hpp"
#include "node/app/demo_orders.hpp"
#include "node/app/derived_keys.hpp"
#include "node/core/limits.hpp"
#include "node/edge/clock.hpp"
#include "node/edge/edge_port.hpp"
#include "node/edge/listener.hpp"
#include "node/redis/edge/redis_edge.hpp"
#include "node/tls/tls_error.hpp"

namespace tulle::node {
namespace {

// Ports of the hub that no shard has: the webhook worker's and the admin listener's.
constexpr std::size_t kOtherPorts = 2;
// For the receipts of the peers for all records of this node.
constexpr Duration kLeaveTimeout = 5s;
// For the hub, and for the webhook worker, to report the end of their own deadlines.
constexpr Duration kLeaveSlack = 1s;
// The longest time for the end of a connection, and the steps of the timer wheel.
constexpr Duration kClientTimeout = kCloseTimeout + kLingerTimeout + 500ms;
// For the shards to end the connections left after kClientTimeout.
constexpr Duration kCutTimeout = 1s;

/// The part of the configuration for the mesh.
mesh::MeshOptions mesh_options(const Config& config) {
    mesh::MeshOptions options;
    options.name = config.name;
    options.cluster = config.cluster;
    options.version = TULLE_VERSION;
    options.mesh = to_string(config.mesh);
    options.mesh_data = to_string(config.mesh_data);
    options.advertise = config.advertise;
    options.peers = config.peers;
    options.keys = config.key_ring;
    options.presence_grace = config.presence_grace;
    options.history_bytes = config.history_bytes;
    return options;
}

/// The names by which requests may call the admin listener, besides localhost and IP addresses (PageGuard).
std::vector<std::string> admin_names(const Config& config) {
    std::vector<std::string> names = config.admin_hosts;
    names.push_back(config.admin.host);
    if (!config.advertise.empty()) {
        names.push_back(config.advertise);
    }
    return names;
}

/// A seed from the operating system, so that each part of each node draws other numbers.
std::uint64_t random_seed() {
    std::random_device device;
    return (static_cast<std::uint64_t>(device()) << 32) | device();
}

}  // namespace

Composition::Composition(const Config& config, Signals& signals)
    : signals_(signals),
      drain_duration_(config.drain.duration),
      is_hub_on_shard_(is_on_shard(config.hub, config.shards)),
      compared_(config),
      mesh_(std::make_unique<mesh::MeshRunner>(mesh_options(config))) {
    const AppTable apps(config.apps);
    limits_ = std::make_shared<NodeLimits>(
        NodeLimitsOptions{capacity_of(config.max_connections), config.max_connections_per_address, config.auth_failures,
                          TrustedProxies(config.trusted_proxies, config.forwarded_header), config.ready_min_members});
    limits_->refusals().set_events(events_);
    rations_ = std::make_shared<AppRations>(apps);
    reloads_.last_successful.set(1);
    reloads_.apps.set(config.apps.size());
    if (!config.otlp_endpoint.empty()) {
        spans_ = std::make_shared<SpanQueue>(random_seed());
        exporter_ = std::make_unique<SpanExporter>(spans_, config.otlp_endpoint, config.name, TULLE_VERSION);
    }
    // The ports of the hub have these indexes: the Pusher edges of the shards from 0 on, then the webhook worker, then
    // the admin listener, then the Redis edge of the first shard.
    bind_shards(config, apps);
    bind_redis(config, apps);
    add_webhooks(config, apps);
    // The admin listener reads the counters of all parts, so the listener is made last.
    std::vector<const ShardCounters*> counters;
    for (const std::unique_ptr<Shard>& shard : shards_) {
        counters.push_back(&shard->counters());
    }
    counters.push_back(&webhooks_->counters());
    counters.push_back(&limits_->counters());
    if (exporter_) {
        counters.push_back(&exporter_->counters());
    }
    const mesh::ShardIndex admin_index(static_cast<std::uint16_t>(shards_.size() + 1));
    admin_ = std::make_unique<AdminServer>(
        admin_index, mesh_->mailbox(), std::move(counters), apps, reloads_, *limits_,
        AdminOptions{admin_names(config), config.admin_tokens, [&signals] { signals.ask_reload(); }, config.name,
                     [&signals](bool drains) { drains ? signals.ask_drain() : signals.ask_undrain(); },
                     [this](std::uint64_t count, Duration duration) { move_some(count, duration); },
                     config.drain_ready_status, redis_ ? std::optional(redis_->view) : std::nullopt,
                     [this](AppSumsById& sums) {
                         for (const PusherEdge* edge : pushers_) {
                             edge->app_book().add_to(sums);
                         }
                     },
                     compared_.view(), events_, &limits_->refusals()});
    if (config.admin_socket.empty()) {
        ports_.admin = to_string(admin_->bind(config.admin));
    } else {
        admin_->bind_socket(config.admin_socket);
        ports_.admin = "unix:" + config.admin_socket;
    }
    mesh_->attach(admin_index, admin_->mailbox());
    mesh::BoundMesh bound = mesh_->bound();
    ports_.mesh = std::move(bound.mesh);
    ports_.mesh_data = std::move(bound.mesh_data);
    if (config.memory_limit > 0) {
        // A shard sheds clients in its own turn, so the watch only wakes the shards.
        memory_ = std::make_unique<MemoryWatch>(config.memory_limit, config.shards, limits_, [this] {
            for (const std::unique_ptr<Shard>& shard : shards_) {
                shard->wake();
            }
        });
    }
    mesh_->on_fatal([&signals](std::string what) { signals.fail(std::move(what)); });
    mesh_->on_members([limits = limits_](std::size_t members) { limits->set_members(members); });
    mesh_->on_notice([events = events_](const mesh::Notice& notice) { events->add(notice.kind, notice.text); });
}

PusherOptions Composition::pusher_options(const Config& config, const AppTable& apps) const {
    PusherOptions options;
    options.name = config.name;
    options.apps = apps;
    options.rations = rations_;
    options.timeouts = config.timeouts;
    options.http_idle_timeout = config.http_idle_timeout;
    options.presence_grace = config.presence_grace;
    options.drain_ready_status = config.drain_ready_status;
    options.outbox = config.outbox;
    options.permessage_deflate = config.permessage_deflate;
    options.demo = demo_content(config);
    options.spans = spans_;
    options.seed = random_seed();
    return options;
}

void Composition::bind_shards(const Config& config, const AppTable& apps) {
    Address listen = config.listen;
    std::optional<Address> tls_listen = config.tls_listen;
    if (tls_listen) {
        tls_ = std::make_unique<TlsServer>(config.tls, ticket_secrets(config.key_ring));
        note_certificates();
    }
    for (std::size_t i = 0; i < config.shards; ++i) {
        ShardOptions options{i, config.shards, config.flush, limits_};
        shards_.push_back(std::make_unique<Shard>(options));
        const mesh::ShardIndex index(static_cast<std::uint16_t>(i));
        EdgePort& port = shards_.back()->add(index, mesh_->mailbox(), [&](const EdgeContext& context) {
            auto edge = std::make_unique<PusherEdge>(context, pusher_options(config, apps));
            pushers_.push_back(edge.get());
            return edge;
        });
        if (config.proxy_protocol) {
            port.expect_proxy_header();
        }
        // The first shard binds the address; the others join the same port, also a port chosen by the kernel.
        if (i == 0) {
            listen = port.listener().bind(listen, Sharing::kShared);
        } else {
            port.listener().join(listen);
        }
        bind_tls(config, port, tls_listen);
        mesh_->attach(index, port.mailbox());
    }
    ports_.listen = to_string(listen);
    ports_.tls_listen = tls_listen ? to_string(*tls_listen) : "";
    client_addresses_.push_back(listen);
    if (tls_listen) {
        client_addresses_.push_back(*tls_listen);
    }
    // Other nodes cannot connect to a wildcard address, so the mesh tells the advertised host.
    const bool is_advertised = listen.is_wildcard() && !config.advertise.empty();
    mesh_->set_listen(is_advertised ? to_string(Address{config.advertise, listen.port}) : ports_.listen);
}

void Composition::bind_tls(const Config& config, EdgePort& port, std::optional<Address>& listen) {
    if (!listen) {
        return;
    }
    Listener& listener =
        port.add_secure_listener([tls = tls_.get()](int socket, SlabArena& arena) { return tls->make(socket, arena); });
    if (config.tls_proxy_protocol) {
        port.expect_proxy_header_before_handshakes();
    }
    // As with the address without TLS.
    if (shards_.size() == 1) {
        listen = listener.bind(*listen, Sharing::kShared);
    } else {
        listener.join(*listen);
    }
}

void Composition::bind_redis(const Config& config, const AppTable& apps) {
    if (!config.redis_listen) {
        return;
    }
    Address listen = *config.redis_listen;
    const redis::Realms realms(config.redis_realms);
    const auto node = std::make_shared<redis::RedisNode>(realms);
    redis::RedisEdge* made = nullptr;
    const bool has_apps = std::any_of(realms.all().begin(), realms.all().end(),
                                      [](const redis::Realm& realm) { return !realm.app.empty(); });
    if (has_apps) {
        bridge_ = std::make_shared<RedisBridge>(apps, rations_, limits_, config.outbox);
    }
    // One shard serves all clients of Redis, as one thread does in Redis: so a publish never overtakes a subscription
    // that came before by another connection. The first shard speaks for the node.
    const mesh::ShardIndex index(static_cast<std::uint16_t>(shards_.size() + kOtherPorts));
    EdgePort& port = shards_.front()->add(index, mesh_->mailbox(), [&](const EdgeContext& context) {
        auto edge = std::make_unique<redis::RedisEdge>(
            context, redis::RedisOptions{realms, node, config.name, TULLE_VERSION, bridge_});
        made = edge.get();
        return edge;
    });
    listen = port.listener().bind(listen, Sharing::kAlone);
    mesh_->attach(index, port.mailbox());
    made->set_port(listen.port);
    ports_.redis = to_string(listen);
    client_addresses_.push_back(listen);
    redis_ = RedisPart{realms, RedisView{.listen = ports_.redis}};
    for (std::size_t i = 0; i < realms.all().size(); ++i) {
        const redis::Realm& realm = realms.all()[i];
        RedisRealmView& view = redis_->view.realms.emplace_back();
        view.name = realm.name;
        view.has_secret = !realm.secret.empty();
        view.shards.push_back(&made->counters(i));
    }
    sign_realms(redis_->view, realms, config.key_ring);
}

void Composition::add_webhooks(const Config& config, const AppTable& apps) {
    const mesh::ShardIndex index(static_cast<std::uint16_t>(shards_.size()));
    webhooks_ = std::make_unique<WebhookWorker>(index, mesh_->mailbox(), apps, config.webhooks, random_seed());
    mesh_->attach(index, webhooks_->mailbox());
    mesh_->set_duty_shard(index);
}

Composition::~Composition() {
    // The watch ends first, because the watch wakes the shards.
    memory_.reset();
    for (const std::unique_ptr<Shard>& shard : shards_) {
        shard->stop();
    }
    if (webhooks_) {
        webhooks_->stop();
    }
    if (exporter_) {
        exporter_->stop();
    }
    if (admin_) {
        admin_->stop();
    }
    mesh_.reset();
}

void Composition::start() {
    if (memory_) {
        memory_->start();
    }
    admin_->start();
    webhooks_->start();
    if (exporter_) {
        exporter_->start();
    }
    // A hub on a shard is handed over before the shard's thread starts; a hub of its own starts last, when all ports
    // are served.
    if (is_hub_on_shard_) {
        shards_.front()->host(mesh_->start_hosted(shards_.front()->ports()));
    }
    for (const std::unique_ptr<Shard>& shard : shards_) {
        shard->start();
    }
    if (!is_hub_on_shard_) {
        mesh_->start();
    }
}

void Composition::set_apps(const AppTable& apps) {
    rations_->set_apps(apps);
    admin_->set_apps(apps);
    compared_.set_apps(apps);
    admin_->set_apps_view(compared_.view());
    webhooks_->set_apps(apps);
    // An edge belongs to its shard's thread, so the new table is posted there.
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        shards_[i]->post([edge = pushers_[i], apps] { edge->set_apps(apps); });
    }
    if (bridge_) {
        shards_.front()->post([bridge = bridge_, apps] { bridge->set_apps(apps); });
    }
    reloads_.apps.set(apps.all().size());
}

void Composition::note_reload(ReloadResult result) {
    reloads_.reloads_total.add();
    if (result == ReloadResult::kRefused) {
        reloads_.failures_total.add();
    }
    reloads_.last_successful.set(result == ReloadResult::kGood ? 1 : 0);
}

void Composition::set_drain(DrainState state, bool stops) {
    const bool is_new = limits_->drain() != state;
    limits_->set_drain(state, stops);
    if (!is_new) {
        return;
    }
    events_->add(EventKind::kDrain,
                 std::string(to_text(state)) + ": " + std::to_string(clients()) + " clients are connected");
}

std::string Composition::reload_certificates(const TlsFiles& files, bool is_asked_for) {
    if (!tls_) {
        return {};
    }
    reloads_.tls_reloads_total.add();
    try {
        const bool has_changed = tls_->reload(files);
        if (has_changed || is_asked_for) {
            spdlog::info("the certificates have been read again: {}", tls_->size());
        }
        for (const std::string& warning : tls_->warnings()) {
            spdlog::warn("{}", warning);
        }
        note_certificates();
        return {};
    } catch (const TlsError& error) {
        reloads_.tls_failures_total.add();
        reloads_.tls_last_successful.set(0);
        spdlog::error("the certificates stay as they were: {}", error.what());
        return error.what();
    }
}

void Composition::note_certificates() {
    reloads_.tls_last_successful.set(1);
    reloads_.tls_not_after.set(static_cast<std::uint64_t>(std::max<std::int64_t>(tls_->not_after(), 1)));
}

void Composition::set_mesh_keys(const mesh::KeyRing& keys) {
    mesh_->set_keys(keys);
    events_->add(EventKind::kKeys, "mesh keys: " + keys.text_of_ids() + ", the first one in use");
    compared_.set_keys(keys);
    admin_->set_apps_view(compared_.view());
    if (tls_) {
        tls_->set_ticket_secrets(ticket_secrets(keys));
    }
    if (redis_) {
        sign_realms(redis_->view, redis_->realms, keys);
        admin_->set_redis(redis_->view);
    }
}

std::uint64_t Composition::sum(Counter ShardCounters::*counter) const {
    std::uint64_t all = 0;
    for (const std::unique_ptr<Shard>& shard : shards_) {
        all += (shard->counters().*counter).get();
    }
    return all;
}

void Composition::move_some(std::uint64_t count, Duration duration) {
    const std::uint64_t all = std::max<std::uint64_t>(clients(), 1);
    std::uint64_t seen = 0;
    std::uint64_t given = 0;
    for (const std::unique_ptr<Shard>& shard : shards_) {
        // Each shard gives its part; the rounding of one shard is made up for by the next. A shard may have got clients
        // since `all` was counted. Products fit, as clients have descriptors.
        seen = std::min(seen + shard->counters().clients.get(), all);
        const std::uint64_t part = seen * std::min(count, all) / all - given;
        given += part;
        TULLE_ASSERT(given <= count);
        shard->move_some(part, duration);
    }
}

void Composition::move_clients() {
    TULLE_ASSERT(!is_moving_);
    is_moving_ = true;
    for (const std::unique_ptr<Shard>& shard : shards_) {
        shard->move_clients(drain_duration_);
    }
}

std::string Composition::why_closed() const {
    // While the listeners are open, the addresses are this node's own.
    if (!is_moving_) {
        return {};
    }
    try {
        std::for_each(client_addresses_.begin(), client_addresses_.end(), Listener::probe);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return {};
}

void Composition::keep_clients() {
    if (std::exchange(is_moving_, false)) {
        for (const std::unique_ptr<Shard>& shard : shards_) {
            shard->keep_clients();
        }
    }
}

Composition::Wait Composition::run(std::size_t count, Duration patience,
                                   const std::function<void(const Done&)>& begin) {
    // A late Done of an earlier round must not count for this round, so rounds are numbered.
    const std::uint32_t round = signals_.begin_count();
    Instant deadline = monotonic_now() + (is_hasty_ ? std::min(patience, kHastyStep) : patience);
    begin([this, round] { signals_.count(round); });
    for (;;) {
        switch (signals_.wait(count, std::max(Duration{}, deadline - monotonic_now()))) {
            case Signals::Event::kTerminate:
            case Signals::Event::kInterrupt:
                if (is_hasty_) {
                    return Wait::kEnd;
                }
                is_hasty_ = true;
                deadline = std::min(deadline, monotonic_now() + kHastyStep);
                break;
            case Signals::Event::kCounted:
                return Wait::kDone;
            case Signals::Event::kTimeout:
            case Signals::Event::kFailed:
                was_cut_short_ = was_cut_short_ || is_hasty_;
                return Wait::kTimeout;
            default:
                // Too late for any other wish.
                break;
        }
    }
}

bool Composition::let_clients_go() {
    // Load balancers learn from /ready: the node takes no more clients.
    admin_->begin_drain();
    for (const std::unique_ptr<Shard>& shard : shards_) {
        shard->stop_accepting();
    }
    Wait end = run(shards_.size(), kClientTimeout, [this](const Done& done) {
        for (const std::unique_ptr<Shard>& shard : shards_) {
            shard->drain(done);
        }
    });
    if (end == Wait::kTimeout) {
        // Clients that have not answered the Close in time are cut without further words.
        end = run(shards_.size(), kCutTimeout, [this](const Done& done) {
            for (const std::unique_ptr<Shard>& shard : shards_) {
                shard->cut(done);
            }
        });
    }
    if (const std::uint64_t cut = sum(&ShardCounters::clients_cut_total); cut > 0) {
        spdlog::warn("{} clients have been cut since the start, as they did not take or answer a Close in time", cut);
    }
    return end != Wait::kEnd;
}

bool Composition::leave(bool is_hasty) {
    is_hasty_ = is_hasty;
    if (!let_clients_go()) {
        return false;
    }
    // The webhook worker may still tell of clients that have just left. The peers take over the remaining duties.
    mesh_->retire(kWebhookDrainTimeout);
    if (run(1, kWebhookDrainTimeout + kLeaveSlack, [this](const Done& done) { webhooks_->finish(done); }) ==
        Wait::kEnd) {
        return false;
    }
    const Duration patience = is_hasty_ ? kHastyStep : kLeaveTimeout;
    const Wait left =
        run(1, patience + kLeaveSlack, [this, patience](const Done& done) { mesh_->leave(patience, done); });
    return left != Wait::kEnd && !was_cut_short_;
}

}  // namespace tulle::node
