#include "mesh/io/mesh_runner.hpp"

#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/random.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/mesh_node.hpp"
#include "mesh/core/node/shard_feed.hpp"
#include "mesh/io/notice_log.hpp"
#include "mesh/io/steady_now.hpp"
#include "mesh/io/wake_fd.hpp"
#include "mesh/io/zmq_transport.hpp"

namespace tulle::mesh {
namespace {

/// Microseconds since the Unix epoch.
std::int64_t wall_us() {
    return std::chrono::system_clock::now().time_since_epoch() / 1us;
}

/// A random number from the kernel. Zero means "nobody" for an oid, so zero is drawn again.
std::uint64_t random_nonzero() {
    std::uint64_t value = 0;
    while (value == 0) {
        if (getrandom(&value, sizeof value, 0) != sizeof value) {
            throw std::runtime_error("no random numbers from the system");
        }
    }
    return value;
}

/// The bound "host:port" with a host reachable for other nodes. Throws when the bound host is a wildcard and no other
/// host is given.
std::string advertised(const std::string& bound, const std::string& host) {
    HostPort address = parse_host_port(bound).value();
    if (!host.empty()) {
        address.host = host;
    } else if (address.host == "0.0.0.0" || address.host == "::") {
        throw std::runtime_error("bound to every address (" + bound +
                                 "): say by --advertise which one to tell the others");
    }
    return to_text(address);
}

/// The ids of the keys as numbers: an id is eight hexadecimal digits.
MeshKeyIds numbers_of(const KeyRing& keys) {
    MeshKeyIds numbers;
    for (const std::string& id : keys.ids()) {
        numbers.push_back(static_cast<std::uint32_t>(std::stoul(id, nullptr, 16)));
    }
    return numbers;
}

}  // namespace

/// The shell around the MeshNode. A turn takes the inputs of the transport and of the ports, steps the node, and
/// executes the effects.
class MeshRunner::Hub final : public HubTurns {
public:
    explicit Hub(MeshOptions options)
        : options_(std::move(options)),
          transport_(options_.mesh, options_.mesh_data, wake_, options_.keys),
          mailbox_(kMailboxCapacity, [this] { on_pushed(); }) {}

    ~Hub() override {
        // The thread may be inside a wait of any length.
        stopping_ = true;
        wake_.wake();
        if (thread_.joinable()) {
            thread_.join();
        }
    }

    void start() {
        prepare();
        thread_ = std::thread([this] { run(); });
        pthread_setname_np(thread_.native_handle(), "tulle-hub");
    }

    /// Creates the node. Not part of the constructor, because the ports and the endpoint for clients are known only
    /// later.
    void prepare() {
        oid_ = OriginId{random_nonzero()};
        NodeOptions node{.oid = oid_,
                         .cluster = options_.cluster,
                         .name = options_.name,
                         .version = options_.version,
                         .endpoints = {advertised(transport_.bound_control(), options_.advertise),
                                       advertised(transport_.bound_data(), options_.advertise), options_.listen},
                         .key_ids = numbers_of(options_.keys),
                         .wall_offset_us = wall_us() - steady_now().time_since_epoch() / 1us,
                         .seeds = {},
                         .seed_names = {},
                         .timing = {},
                         .limits = {},
                         .secret = random_nonzero};
        // A numeric seed is dialled at once. A name must be looked up first, again and again.
        for (const std::string& peer : options_.peers) {
            const std::optional<HostPort> address = parse_host_port(peer);
            const std::optional<NumericAddress> known = address ? numeric(*address) : std::nullopt;
            if (known) {
                node.seeds.push_back(known->text());
            } else {
                node.seed_names.push_back(peer);
            }
        }
        node.limits.history_bytes = options_.history_bytes;
        node.timing.presence_grace = options_.presence_grace;
        // The counts of a lost node stay for as long as its users.
        node.timing.duty_grace = options_.presence_grace;
        transport_.listen_for(node.oid);
        node_ = std::make_unique<MeshNode>(std::move(node), random_nonzero());
        // One bit for each attached port.
        std::uint64_t shards = 0;
        for (const auto& [shard, feed] : feeds_) {
            shards |= std::uint64_t{1} << shard.value;
        }
        node_->set_shards(shards);
        if (duty_shard_) {
            node_->set_duty_shard(*duty_shard_);
        }
    }

    void leave(Duration deadline, std::function<void()> on_left) {
        {
            const std::lock_guard lock(leave_mutex_);
            leave_ = LeaveRequest{deadline};
            on_left_ = std::move(on_left);
        }
        wake_.wake();
    }

    void retire(Duration telling) {
        {
            const std::lock_guard lock(leave_mutex_);
            retire_ = RetireRequest{telling};
        }
        wake_.wake();
    }

    void set_keys(KeyRing keys) {
        // `used_key_` belongs to the hub's thread, and `options_` does not change any more.
        TULLE_ASSERT(!options_.keys.is_empty() && !keys.is_empty());
        {
            const std::lock_guard lock(leave_mutex_);
            keys_ = std::move(keys);
        }
        wake_.wake();
    }

    void begin() override {
        // From here on, pushes by the host's own thread wake nobody.
        host_ = std::this_thread::get_id();
        guarded([this] { first_turn(); });
    }

    [[nodiscard]] int descriptor() const override { return transport_.descriptor(); }
    [[nodiscard]] bool is_pushed() const override { return is_pushed_; }
    [[nodiscard]] bool has_failed() const override { return has_failed_; }

    Instant run(bool is_readable) override {
        Instant next = Instant::max();
        // Cleared before the turn, so that a push during the turn asks for another turn.
        is_pushed_ = false;
        guarded([&] {
            if (is_readable) {
                transport_.wait(0ms);
            }
            // Most turns of a host are for messages of the host: the transport has nothing then.
            turn(is_readable || transport_due_ <= steady_now());
            transport_due_ = transport_.has_more() ? Instant::min() : transport_.next_deadline();
            next = std::min(node_->next_deadline(), transport_due_);
        });
        return next;
    }

    // The members below are public for MeshRunner, which configures the hub before the start.
    MeshOptions options_;
    WakeFd wake_;
    ZmqTransport transport_;
    HubMailbox mailbox_;
    std::map<ShardIndex, ShardFeed> feeds_;
    std::optional<ShardIndex> duty_shard_;
    std::function<void(std::string)> on_fatal_;
    std::function<void(std::size_t)> on_members_;
    NoticeLog notices_;

private:
    /// This process, as the other nodes name it.
    OriginId oid_;
    // More fields than 15: one thread owns all of the fields, in the order of dependence.

    /// The function of the hub's own thread.
    void run() {
        guarded([this] {
            first_turn();
            while (!stopping_) {
                transport_.wait(transport_.has_more() ? 0ms : std::max<Duration>(next_deadline() - steady_now(), 0ms));
                turn(true);
            }
        });
    }

    /// Runs a part of a turn. After a failure nothing runs any more, because the node's state may be inconsistent.
    template <class F>
    void guarded(F&& body) {
        if (has_failed_) {
            return;
        }
        try {
            body();
        } catch (const std::exception& error) {
            has_failed_ = true;
            spdlog::critical("the hub ends: {}", error.what());
            fatal(error.what());
        }
    }

    /// The mailbox turned from empty to non-empty. A host notices its own pushes without a wake-up.
    void on_pushed() {
        if (host_.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
            is_pushed_ = true;
        } else {
            wake_.wake();
        }
    }

    /// The time of the next turn, even if nothing arrives.
    [[nodiscard]] Instant next_deadline() const { return std::min(node_->next_deadline(), transport_.next_deadline()); }

    void first_turn() {
        node_->start(steady_now(), effects_);
        execute(effects_);
    }

    /// One turn. The requests to retire and to leave come last, behind all messages pushed before the requests.
    /// `asks_transport`: the transport may have something.
    void turn(bool asks_transport) {
        inputs_.clear();
        if (asks_transport) {
            transport_.collect(steady_now(), inputs_);
        }
        // The order matters; see take_requests().
        auto [retire, leave, keys] = take_requests();
        mailbox_.take_all(from_shards_);
        const Instant at = steady_now();
        effects_.clear();
        for (Input& input : inputs_) {
            node_->step(at, std::move(input), effects_);
        }
        for (auto& [shard, message] : from_shards_) {
            node_->step(at, PortInput{shard, std::move(message)}, effects_);
        }
        if (keys) {
            take_keys(at, *keys);
        }
        if (retire) {
            node_->step(at, *retire, effects_);
        }
        if (leave) {
            node_->step(at, *leave, effects_);
        }
        // Work due once a turn, after all inputs.
        node_->settle(at, effects_);
        execute(effects_);
    }

    /// What other threads ask of the hub.
    struct Requests {
        std::optional<RetireRequest> retire;
        std::optional<LeaveRequest> leave;
        std::optional<KeyRing> keys;
    };
    /// Takes the requests out. A turn takes the requests before the ports' messages, and gives the requests to the node
    /// after the messages. So every message pushed before a request still counts.
    [[nodiscard]] Requests take_requests() {
        const std::lock_guard lock(leave_mutex_);
        return {std::exchange(retire_, std::nullopt), std::exchange(leave_, std::nullopt),
                std::exchange(keys_, std::nullopt)};
    }

    /// New keys: accepted at once. When the key in use has changed, the node binds its ports again as soon as its peers
    /// know.
    void take_keys(Instant at, const KeyRing& keys) {
        transport_.accept_keys(keys);
        node_->step(at, KeysChanged{numbers_of(keys)}, effects_);
        if (std::exchange(used_key_, keys.used().id()) != keys.used().id()) {
            node_->step(at, RebindRequest{}, effects_);
        }
    }

    /// Executes the effects in order, then hands each port its collected messages with one lock and at most one
    /// wake-up.
    void execute(Effects& effects) {
        for (Effect& effect : effects) {
            std::visit([this](auto& what) { execute(what); }, effect);
        }
        for (auto& [shard, feed] : feeds_) {
            feed.flush();
        }
    }

    // One function for each kind of effect.
    void execute(const OpenConnection& open) { transport_.open_connection(open.connection, open.endpoint); }
    void execute(const CloseConnection& close) { transport_.close_connection(close.connection); }
    void execute(const CheckEndpoint& check) { transport_.check_endpoint(steady_now(), check.connection); }
    void execute(const ResolveName& resolve) { transport_.resolve_name(resolve.name); }
    void execute(const ConnectData& connect) { transport_.connect_data(connect.endpoint); }
    void execute(const DisconnectData& disconnect) { transport_.disconnect_data(disconnect.endpoint); }
    void execute(const Rebind&) { transport_.rebind(); }
    void execute(const SendControl& send) { transport_.send(send.connection, send.message); }
    void execute(const SendData& send) { transport_.send(send.message); }
    void execute(const Notice& notice) { notices_.write(steady_now(), notice); }
    void execute(const Fatal& what) { fatal(what.text); }

    void execute(const DeliverLocal& local) {
        for (auto& [shard, feed] : feeds_) {
            if ((local.shards >> shard.value) & 1) {
                feed.deliver(local.record, local.numbered);
            }
        }
    }

    void execute(ToPort& to) {
        // The node cannot know the counters of the transport, nor the clocks.
        if (auto* reply = std::get_if<StatusReply>(&to.message)) {
            add_counters(reply->status);
            reply->status.keys = transport_.key_status();
            add_clocks(reply->status);
        }
        feeds_.at(to.shard).answer(std::move(to.message));
    }

    void execute(const ReadinessChanged& changed) {
        execute(Notice{Severity::kInfo, changed.ready ? "ready to serve clients" : "no longer serving new clients",
                       EventKind::kReady});
        for (auto& [shard, feed] : feeds_) {
            feed.answer(Readiness{changed.ready, oid_});
        }
    }

    void execute(const PeerChanged& changed) {
        changed.change.is_gone ? void(members_.erase(changed.change.oid)) : void(members_.insert(changed.change.oid));
        if (on_members_) {
            on_members_(members_.size() + 1);
        }
        for (auto& [shard, feed] : feeds_) {
            feed.answer(changed.change);
        }
    }

    void execute(const Left&) {
        // `on_left_` is set on another thread.
        const std::lock_guard lock(leave_mutex_);
        if (on_left_) {
            on_left_();
        }
    }

    /// Tells the owner about the end of the hub.
    void fatal(const std::string& text) {
        if (on_fatal_) {
            on_fatal_(text);
        }
    }

    /// Adds the transport's counters, and the losses of the ports' mailboxes, to a status.
    void add_counters(NodeStatus& status) const {
        std::uint64_t losses = 0;
        for (const auto& [shard, feed] : feeds_) {
            losses += feed.losses();
        }
        const ZmqTransport::Counters c = transport_.counters();
        const std::pair<std::string, std::uint64_t> more[] = {{"mesh_malformed_messages", c.malformed},
                                                              {"mesh_control_unsent", c.control_unsent},
                                                              {"mesh_unknown_messages", c.unknown_messages},
                                                              {"mesh_unknown_fields", c.unknown_fields},
                                                              {"mesh_control_sent", c.control_sent},
                                                              {"mesh_control_sent_bytes", c.control_bytes},
                                                              {"mesh_data_sent", c.data_sent},
                                                              {"mesh_data_sent_bytes", c.data_bytes},
                                                              {"mesh_connections_put_off", c.connections_put_off},
                                                              {"mesh_inbound_refused", c.inbound_refused},
                                                              {"mesh_inbound_cut", c.inbound_cut},
                                                              {"mesh_keys_unknown", c.keys_unknown},
                                                              {"mesh_keys_refused", c.keys_refused},
                                                              {"mesh_shard_mailbox_losses", losses}};
        status.counters.insert(status.counters.end(), std::begin(more), std::end(more));
    }

    /// Adds a reading of both clocks, so that the readings of several nodes can be compared.
    static void add_clocks(NodeStatus& status) {
        status.monotonic_us = steady_now().time_since_epoch() / 1us;
        status.wall_us = wall_us();
    }

    std::unique_ptr<MeshNode> node_;
    /// The nodes with a session.
    std::set<OriginId> members_;
    /// When the transport of a hub with a host has something to do although its descriptor is not readable.
    Instant transport_due_ = Instant::min();
    std::vector<Input> inputs_;
    std::vector<FromShard> from_shards_;
    Effects effects_;
    std::mutex leave_mutex_;
    std::optional<RetireRequest> retire_;
    std::optional<LeaveRequest> leave_;
    /// Guarded by leave_mutex_.
    std::optional<KeyRing> keys_;
    /// The id of the key in use; empty without keys. Confined to the hub's thread.
    std::string used_key_ = options_.keys.is_empty() ? "" : options_.keys.used().id();
    std::function<void()> on_left_;
    std::atomic<bool> stopping_ = false;
    /// The host's thread. Empty: the hub has a thread of its own.
    std::atomic<std::thread::id> host_{};
    /// Set by a push of the host, on the host's thread.
    bool is_pushed_ = false;
    bool has_failed_ = false;
    std::thread thread_;
};

MeshRunner::MeshRunner(MeshOptions options) : hub_(std::make_unique<Hub>(std::move(options))) {}

MeshRunner::~MeshRunner() = default;

BoundMesh MeshRunner::bound() const {
    return {hub_->transport_.bound_control(), hub_->transport_.bound_data()};
}

HubMailbox& MeshRunner::mailbox() {
    return hub_->mailbox_;
}

void MeshRunner::attach(ShardIndex shard, ShardMailbox& box) {
    hub_->feeds_.emplace(shard, ShardFeed(box));
}

void MeshRunner::set_duty_shard(ShardIndex shard) {
    TULLE_ASSERT(hub_->feeds_.contains(shard));
    hub_->duty_shard_ = shard;
}

void MeshRunner::set_listen(std::string listen) {
    hub_->options_.listen = std::move(listen);
}

void MeshRunner::on_fatal(std::function<void(std::string)> callback) {
    hub_->on_fatal_ = std::move(callback);
}

void MeshRunner::on_members(std::function<void(std::size_t)> callback) {
    hub_->on_members_ = std::move(callback);
}

void MeshRunner::on_notice(std::function<void(const Notice&)> callback) {
    hub_->notices_.listen(std::move(callback));
}

void MeshRunner::start() {
    hub_->start();
}

HubTurns& MeshRunner::start_hosted(const std::vector<ShardIndex>& hosts) {
    for (const ShardIndex host : hosts) {
        hub_->feeds_.at(host).set_host();
    }
    hub_->prepare();
    return *hub_;
}

void MeshRunner::retire(Duration telling) {
    hub_->retire(telling);
}

void MeshRunner::set_keys(KeyRing keys) {
    hub_->set_keys(std::move(keys));
}

void MeshRunner::leave(Duration deadline, std::function<void()> on_left) {
    hub_->leave(deadline, std::move(on_left));
}

}  // namespace tulle::mesh
