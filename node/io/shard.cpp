#include "node/io/shard.hpp"

#include <exception>
#include <optional>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <spdlog/spdlog.h>
#include <boost/asio/post.hpp>

#include "node/core/limits.hpp"
#include "node/io/hosted_hub.hpp"
#include "node/io/http_connection.hpp"
#include "node/io/hub_link.hpp"
#include "node/io/listener.hpp"
#include "node/io/public_http.hpp"
#include "node/io/pusher_clients.hpp"
#include "node/io/reactor.hpp"
#include "node/io/refuse_full.hpp"
#include "node/io/wakeup.hpp"
#include "node/protocol/pusher/channel_query.hpp"

namespace tulle::node {
namespace {

constexpr Duration kLoadInterval = 250ms;  // the hub wants ShardLoad four times a second at most

/// Nothing when the connection has ended meanwhile.
std::optional<PeerAddress> address_of(const Socket& socket) {
    boost::system::error_code error;
    const boost::asio::ip::address address = socket.remote_endpoint(error).address();
    if (error) {
        return std::nullopt;
    }
    return address.is_v4() ? peer_of_v4(address.to_v4().to_uint()) : peer_of_v6(address.to_v6().to_bytes());
}

}  // namespace

/// What runs on the shard's thread. The order of the members is that of their dependence.
class Shard::Loop {
public:
    Loop(ShardOptions options, mesh::HubMailbox& hub)
        : options_(std::move(options)),
          apps_(*options_.apps),
          has_limited_app_(has_limited_app(apps_)),
          limits_(options_.limits ? options_.limits : std::make_shared<NodeLimits>(NodeLimitsOptions{}, apps_)),
          ws_limits_{options_.outbox, options_.permessage_deflate},
          reactor_(options_.flush),
          wakeup_(reactor_, [this] { take_mail(); }),
          mailbox_(kShardMailboxItems, [this] { on_mail(); }),
          hub_(hub, options_.index),
          clients_({reactor_, hub_, apps_, options_.timeouts, *limits_, options_.seed}),
          http_room_(http_share(), options_.http_idle_timeout),
          http_({reactor_, hub_, clients_, apps_, ws_limits_, *limits_, options_.demo}),
          listener_(reactor_, [this](Socket socket) { take_in(std::move(socket)); }) {}

    ~Loop() {
        stop();
        reactor_.release();
    }

    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void host(mesh::HubTurns& hub) { hosted_.emplace(reactor_, hub); }

    void start() {
        wakeup_.start();
        listener_.start();
        thread_ = std::thread([this] { run(); });
    }

    void stop() {
        reactor_.stop();
        if (thread_.joinable()) {
            thread_.join();
        }
        if (hosted_) {
            hosted_.reset();
        }
    }

    template <class F>
    void post(F&& function) {
        boost::asio::post(reactor_.context(), std::forward<F>(function));
    }

    void drain(std::function<void()> on_drained) {
        on_drained_ = std::move(on_drained);
        is_draining_ = true;
        http_.begin_drain();
        clients_.begin_drain();
    }

    void cut(std::function<void()> on_cut) {
        on_drained_ = std::move(on_cut);
        reactor_.cut_all();
    }

    void set_apps(AppTable apps) {
        apps_ = std::move(apps);
        has_limited_app_ = has_limited_app(apps_);
        clients_.on_apps_changed();
        clients_.review_duties();
    }

    Listener& listener() { return listener_; }
    mesh::ShardMailbox& mailbox() { return mailbox_; }
    void wake() { wakeup_.notify(); }
    const ShardCounters& counters() const { return reactor_.counters(); }

private:
    void run() {
        try {
            if (hosted_) {
                hosted_->begin();
            }
            reactor_.run([this] { end_turn(); });
        } catch (const std::exception& error) {
            spdlog::critical("a shard has failed: {}", error.what());
            std::terminate();
        }
    }

    void take_in(Socket socket) {
        const std::optional<PeerAddress> address = address_of(socket);
        if (!address || is_draining_) {
            return;  // gone already, or too late
        }
        NodeLimits::Entry entry = limits_->enter(*address);
        if (entry == NodeLimits::Entry::kNodeIsFull && http_room_.make_room()) {
            entry = limits_->enter(*address);
        }
        if (entry == NodeLimits::Entry::kNodeIsFull) {
            refuse(socket);
        } else if (entry == NodeLimits::Entry::kAddressIsFull) {
            reactor_.counters().address_capped_total.add();
        } else {
            Peer peer(*address, limits_);
            if (http_room_.is_full() && !http_room_.make_room()) {
                refuse(socket);
                return;
            }
            std::make_shared<HttpConnection>(reactor_, http_, http_room_, std::move(socket), std::move(peer))->start();
        }
    }

    /// Of the HTTP connections that the node may have; the kernel spreads them over the shards.
    [[nodiscard]] std::size_t http_share() const {
        return (limits_->capacity().http + options_.shards - 1) / options_.shards;
    }

    void refuse(Socket& socket) {
        reactor_.counters().full_refusals_total.add();
        refuse_full(socket.native_handle());
    }

    /// A hub of this thread's is asked for it after each of its turns.
    void on_mail() {
        if (!hosted_) {
            wakeup_.notify();
        }
    }

    void take_mail() {
        mailbox_.take_all(mail_);
        for (mesh::ToShard& message : mail_) {
            try {
                take(message);
            } catch (const std::exception& error) {
                give_up(message, error);
            }
        }
        mail_.clear();
    }

    void take(mesh::ToShard& message) {
        if (const auto* deliver = std::get_if<mesh::Deliver>(&message)) {
            clients_.deliver(*deliver->record);
        } else {
            clients_.end_run();
            std::visit([this](auto& value) { handle(value); }, message);
        }
        if (&message == &mail_.back()) {
            clients_.end_run();
        }
    }

    /// What the hub has said cannot be said again, and nobody may miss a part of it without knowing. So whoever it may
    /// be for is ended: the subscribers of a message's channels, and of the messages before it that were to be sent
    /// together; for what changes a channel, all clients. Answers to requests are missed by their connections alone,
    /// which end at their deadlines.
    void give_up(const mesh::ToShard& message, const std::exception& error) {
        reactor_.count_failure(error);
        clients_.fail_run(error);
        if (const auto* deliver = std::get_if<mesh::Deliver>(&message)) {
            clients_.fail_subscribers(*deliver->record, error);
        } else if (!std::holds_alternative<mesh::Published>(message) &&
                   !std::holds_alternative<mesh::QueryResult>(message) &&
                   !std::holds_alternative<mesh::StatusReply>(message)) {
            clients_.fail_all(error);
        }
    }

    void handle(const mesh::Deliver&) {}  // taken before
    void handle(const mesh::Subscribed& answer) { clients_.on_subscribed(answer); }
    void handle(const mesh::Published& answer) {
        if ((answer.id & PusherClients::kEventIdBit) != 0) {
            clients_.on_publish_refused(answer);
        } else {
            http_.on_published(answer);
        }
    }
    void handle(const mesh::LocalQuery& query) {
        if (const std::optional<pusher::EndUser> order = pusher::decode_end_user(query.body)) {
            clients_.end_user(order->app_id, order->user);
        }
        std::vector<std::string> parts =
            pusher::answer_channel_query(query.body, clients_.tables(), mesh::kMaxQueryPartBytes);
        for (std::size_t i = 0; i < parts.size(); ++i) {
            hub_.send(mesh::LocalAnswer{query.token, std::move(parts[i]), i + 1 == parts.size()});
        }
    }
    void handle(const mesh::QueryResult& result) { http_.on_query_result(result); }
    void handle(const mesh::LastEvent& found) { clients_.on_last_event(found.channel, found.event); }
    void handle(const mesh::MemberChanged& change) { clients_.on_member_changed(change); }
    void handle(const mesh::MemberJoined& answer) { clients_.on_member_joined(answer); }
    void handle(const mesh::Gap& gap) { clients_.on_gap(gap); }
    void handle(const mesh::Readiness& readiness) { http_.set_ready(readiness.ready); }
    void handle(const mesh::StatusReply& reply) { http_.on_status(reply); }
    void handle(const mesh::TraceResult&) {}  // only the admin listener traces
    void handle(const mesh::DutyChanged&) {}  // others do the node's duties
    void handle(const mesh::DutyRevoked&) {}
    void handle(const mesh::DutyLast&) {}
    void handle(const mesh::DutyPerform&) {}
    void handle(const mesh::ClusterUsage& usage) {
        if (is_accountant()) {
            limits_->on_others(usage.sources, usage.others);
        }
    }

    void end_turn() {
        if (const std::uint64_t bytes = limits_->take_shed_order(last_shed_); bytes > 0) {
            try {
                shed(bytes);
            } catch (const std::exception& error) {
                reactor_.count_failure(error);  // the next order comes while memory is short
            }
        }
        const bool is_all = hand_over() && drain_more();
        if (!is_all) {
            reactor_.wake_at(reactor_.now() + kHubRetryInterval);
        } else {
            clients_.resume_paused();
        }
        if (on_drained_ && is_all && reactor_.connections() == 0) {
            std::exchange(on_drained_, nullptr)();
        }
    }

    /// What the hub has given by now is queued for the clients before they are closed. False: some that they said waits
    /// for room in the hub's mailbox.
    [[nodiscard]] bool drain_more() {
        if (!is_draining_) {
            return true;
        }
        take_mail();
        if (!reactor_.drain_some(kMaxWrites)) {
            reactor_.wake_at(reactor_.now());
        }
        const bool is_all = tell_hub();
        if (hosted_) {
            hosted_->watch();
        }
        return is_all;
    }

    /// Those first for whom most waits; whoever takes what it is sent is not among them.
    void shed(std::uint64_t bytes) {
        http_room_.end_incomplete();
        clients_.shed(bytes);
    }

    /// False: some waits for room in the hub's mailbox. What a hub of this thread's answers may have us say more.
    [[nodiscard]] bool hand_over() {
        bool is_all = tell_hub();
        if (!hosted_) {
            return is_all;
        }
        hosted_->look();
        bool is_due = hosted_->is_due();
        for (std::size_t i = 0; i < HostedHub::kMaxTurns && is_due; ++i) {
            hosted_->run();
            take_mail();
            is_all = tell_hub();
            is_due = hosted_->is_pushed();
        }
        hosted_->watch();
        return is_all;
    }

    [[nodiscard]] bool tell_hub() {
        clients_.tell_duties();
        tell_load();
        tell_uses();
        return hub_.flush();
    }

    void tell_load() {
        if (clients_.size() == told_clients_) {
            return;
        }
        if (reactor_.now() < told_at_ + kLoadInterval) {
            reactor_.wake_at(told_at_ + kLoadInterval);
            return;
        }
        told_at_ = reactor_.now();
        told_clients_ = clients_.size();
        hub_.send(mesh::ShardLoad{told_clients_});
    }

    /// One shard speaks for the node, whose shards count together.
    [[nodiscard]] bool is_accountant() const { return options_.index == mesh::ShardIndex(0); }

    void tell_uses() {
        if (!is_accountant() || (!has_limited_app_ && (!told_uses_ || told_uses_->empty()))) {
            return;
        }
        if (reactor_.now() < told_uses_at_ + kUseInterval) {
            reactor_.wake_at(told_uses_at_ + kUseInterval);
            return;
        }
        told_uses_at_ = reactor_.now();
        reactor_.wake_at(told_uses_at_ + kUseInterval);
        Rations::Uses uses = limits_->uses(reactor_.now());
        if (uses != told_uses_ && hub_.offer(mesh::ShareUsage{uses}) == Push::kAccepted) {
            told_uses_ = std::move(uses);
        }
    }

    const ShardOptions options_;
    AppTable apps_;
    bool has_limited_app_;
    const std::shared_ptr<NodeLimits> limits_;
    const WsLimits ws_limits_;
    Reactor reactor_;
    Wakeup wakeup_;
    mesh::ShardMailbox mailbox_;
    HubLink hub_;
    PusherClients clients_;
    HttpRoom http_room_;
    PublicHttp http_;
    Listener listener_;
    std::vector<mesh::ToShard> mail_;
    std::optional<HostedHub> hosted_;
    std::function<void()> on_drained_;
    bool is_draining_ = false;
    std::uint64_t last_shed_ = 0;
    std::size_t told_clients_ = 0;
    Instant told_at_{};
    std::optional<Rations::Uses> told_uses_;  ///< nothing: not one of those yet that share
    Instant told_uses_at_{};
    std::thread thread_;
};

Shard::Shard(ShardOptions options, mesh::HubMailbox& hub) : loop_(std::make_unique<Loop>(std::move(options), hub)) {}

Shard::~Shard() = default;

Address Shard::bind(const Address& address) {
    return loop_->listener().bind(address, Sharing::kShared);
}

void Shard::join(const Address& address) {
    loop_->listener().join(address);
}

mesh::ShardMailbox& Shard::mailbox() {
    return loop_->mailbox();
}

const ShardCounters& Shard::counters() const {
    return loop_->counters();
}

void Shard::host(mesh::HubTurns& hub) {
    loop_->host(hub);
}

void Shard::start() {
    loop_->start();
}

void Shard::wake() {
    loop_->wake();
}

void Shard::stop() {
    loop_->stop();
}

void Shard::set_apps(AppTable apps) {
    loop_->post([loop = loop_.get(), apps = std::move(apps)]() noexcept { loop->set_apps(apps); });
}

void Shard::stop_accepting() {
    loop_->post([loop = loop_.get()]() noexcept { loop->listener().stop(); });
}

void Shard::drain(std::function<void()> on_drained) {
    loop_->post([loop = loop_.get(), done = std::move(on_drained)]() noexcept { loop->drain(done); });
}

void Shard::cut(std::function<void()> on_cut) {
    loop_->post([loop = loop_.get(), done = std::move(on_cut)]() noexcept { loop->cut(done); });
}

}  // namespace tulle::node
