#include "node/io/shard.hpp"

#include <exception>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include "node/core/limits.hpp"
#include "node/io/http_connection.hpp"
#include "node/io/hub_link.hpp"
#include "node/io/listener.hpp"
#include "node/io/public_http.hpp"
#include "node/io/pusher_clients.hpp"
#include "node/io/reactor.hpp"
#include "node/io/wakeup.hpp"
#include "node/protocol/pusher/channel_query.hpp"

namespace tulle::node {
namespace {

constexpr Duration kLoadInterval = 250ms;  // the hub wants ShardLoad four times a second at most

}  // namespace

/// What runs on the shard's thread. The order of the members is that of their dependence.
class Shard::Loop {
public:
    Loop(ShardOptions options, mesh::HubMailbox& hub)
        : options_(std::move(options)),
          ws_limits_{options_.apps->max_event_bytes() + kClientMessageOverhead, options_.outbox},
          wakeup_(reactor_, [this] { take_mail(); }),
          mailbox_(kShardMailboxItems, [this] { wakeup_.notify(); }),
          hub_(hub, options_.index),
          clients_({reactor_, hub_, *options_.apps, options_.timeouts, options_.seed}),
          http_({reactor_, hub_, clients_, *options_.apps, ws_limits_, options_.demo}),
          listener_(reactor_, [this](Socket socket) {
              std::make_shared<HttpConnection>(reactor_, http_, std::move(socket))->start();
          }) {}

    ~Loop() {
        stop();
        reactor_.release();
    }

    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

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
    }

    template <class F>
    void post(F&& function) {
        boost::asio::post(reactor_.context(), std::forward<F>(function));
    }

    void drain(std::function<void()> on_drained) {
        on_drained_ = std::move(on_drained);
        clients_.begin_drain();
        reactor_.drain_all();
    }

    Listener& listener() { return listener_; }
    mesh::ShardMailbox& mailbox() { return mailbox_; }
    const ShardCounters& counters() const { return reactor_.counters(); }

private:
    void run() {
        try {
            reactor_.run([this] { end_turn(); });
        } catch (const std::exception& error) {
            spdlog::critical("a shard has failed: {}", error.what());
            std::terminate();
        }
    }

    void take_mail() {
        mailbox_.take_all(mail_);
        for (mesh::ToShard& message : mail_) {
            std::visit([this](auto& value) { handle(value); }, message);
        }
        mail_.clear();
    }

    void handle(const mesh::Deliver& deliver) { clients_.deliver(*deliver.record); }
    void handle(const mesh::Subscribed& answer) { clients_.on_subscribed(answer); }
    void handle(const mesh::Published& answer) {
        if ((answer.id & PusherClients::kEventIdBit) != 0) {
            clients_.on_published(answer);
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
    void handle(const mesh::MemberChanged& change) { clients_.on_member_changed(change); }
    void handle(const mesh::MemberJoined& answer) { clients_.on_member_joined(answer); }
    void handle(const mesh::Gap& gap) { clients_.on_gap(gap); }
    void handle(const mesh::Readiness& readiness) { http_.set_ready(readiness.ready); }
    void handle(const mesh::StatusReply& reply) { http_.on_status(reply); }
    void handle(const mesh::TraceResult&) {}  // only the admin listener traces
    void handle(const mesh::LastEvent&) {}
    void handle(const mesh::DutyChanged&) {}  // others do the node's duties
    void handle(const mesh::DutyPerform&) {}
    void handle(const mesh::ClusterUsage&) {}

    void end_turn() {
        if (hub_.is_backed_up()) {
            if (hub_.retry()) {
                clients_.resume_paused();
            } else {
                reactor_.wake_at(reactor_.now() + kHubRetryInterval);
            }
        }
        tell_load();
        if (on_drained_ && reactor_.connections() == 0) {
            std::exchange(on_drained_, nullptr)();
        }
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

    const ShardOptions options_;
    const WsLimits ws_limits_;
    Reactor reactor_;
    Wakeup wakeup_;
    mesh::ShardMailbox mailbox_;
    HubLink hub_;
    PusherClients clients_;
    PublicHttp http_;
    Listener listener_;
    std::vector<mesh::ToShard> mail_;
    std::function<void()> on_drained_;
    std::size_t told_clients_ = 0;
    Instant told_at_{};
    std::thread thread_;
};

Shard::Shard(ShardOptions options, mesh::HubMailbox& hub) : loop_(std::make_unique<Loop>(std::move(options), hub)) {}

Shard::~Shard() = default;

Address Shard::bind(const Address& address) { return loop_->listener().bind(address, Sharing::kShared); }

void Shard::join(const Address& address) { loop_->listener().join(address); }

mesh::ShardMailbox& Shard::mailbox() { return loop_->mailbox(); }

const ShardCounters& Shard::counters() const { return loop_->counters(); }

void Shard::start() { loop_->start(); }

void Shard::stop() { loop_->stop(); }

void Shard::stop_accepting() {
    loop_->post([loop = loop_.get()] { loop->listener().stop(); });
}

void Shard::drain(std::function<void()> on_drained) {
    loop_->post([loop = loop_.get(), done = std::move(on_drained)] { loop->drain(done); });
}

}  // namespace tulle::node
