#include "node/admin/admin_server.hpp"

#include <atomic>
#include <deque>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>

#include <spdlog/spdlog.h>
#include <boost/asio/post.hpp>

#include "node/admin/admin_answers.hpp"
#include "node/admin/admin_counters.hpp"
#include "node/admin/admin_events.hpp"
#include "node/admin/admin_gate.hpp"
#include "node/admin/admin_parameters.hpp"
#include "node/admin/admin_questions.hpp"
#include "node/admin/admin_routes.hpp"
#include "node/admin/client_asks.hpp"
#include "node/admin/unix_socket.hpp"
#include "node/core/limits.hpp"
#include "node/edge/listener.hpp"
#include "node/edge/reactor.hpp"
#include "node/edge/wakeup.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/web/core/limits.hpp"
#include "node/web/http_connection.hpp"
#include "node/web/http_service.hpp"

namespace tulle::node {
// Connections that no waiting request can hold. A new connection is read a few accepts after its own, so a crowd of new
// connections ends none of so many before its request is read.
constexpr std::size_t kFreeAdminConnections = 12;
static_assert(kMaxAdminWaiting + kMaxAdminReloads + kMaxAdminFollowers + kFreeAdminConnections <= kMaxAdminConnections,
              "connections are left for health checks, whoever waits for whatever");

namespace {

// How long the kernel keeps a silent connection back.
constexpr Duration kAdminFirstBytes = 1s;
constexpr std::string_view kStopping = "the node is stopping";

/// The address of the other end of a TCP connection. Nothing when the connection has ended meanwhile.
std::optional<PeerAddress> admin_peer_of(const Socket& socket) {
    boost::system::error_code error;
    const boost::asio::ip::address address = socket.remote_endpoint(error).address();
    if (error) {
        return std::nullopt;
    }
    return address.is_v4() ? peer_of_v4(address.to_v4().to_uint()) : peer_of_v6(address.to_v6().to_bytes());
}

}  // namespace

/// The part of the server that runs on the admin thread. A member is declared after every member that it depends on.
class AdminServer::Loop final : public HttpService {
public:
    Loop(mesh::ShardIndex index, mesh::HubMailbox& hub, std::vector<const ShardCounters*> shards, AppTable apps,
         const ReloadCounters& reloads, NodeLimits& limits, AdminOptions options)
        : gate_(options.names, counters_),
          ask_reload_(std::move(options.ask_reload)),
          ask_drain_(std::move(options.ask_drain)),
          name_(options.name),
          drain_ready_status_(options.drain_ready_status),
          shards_(std::move(shards)),
          apps_(std::move(apps)),
          redis_(std::move(options.redis)),
          app_sums_(std::move(options.app_sums)),
          apps_view_(std::move(options.apps_view)),
          limits_(limits),
          reactor_(FlushMode::kSend),
          wakeup_(reactor_, [this] { take_mail(); }),
          mailbox_(kShardMailboxItems, [this] { wakeup_.notify(); }),
          questions_(reactor_, room_, hub, index,
                     {shards_, reloads, redis_, app_sums_, apps_view_, counters_, limits, std::move(options.move_some),
                      options.name, ask_drain_}),
          event_log_(std::move(options.events)),
          events_(reactor_, room_, *event_log_, shards_, counters_, options.refusals),
          listener_(reactor_, [this](Socket socket) { take_in(std::move(socket)); }) {
        gate_.set_tokens(options.tokens);
        listener_.on_starved([this] { return make_room(); });
        event_log_->on_add([this] { wakeup_.notify(); });
    }

    ~Loop() override {
        // No thread runs any more, so connections may be freed while members they refer to still live.
        stop();
        reactor_.release();
    }

    void stop() {
        reactor_.stop();
        if (thread_.joinable()) {
            thread_.join();
        }
    }

    void start() {
        wakeup_.start();
        listener_.start();
        thread_ = std::thread([this] { run(); });
    }

    void set_apps(AppTable apps) {
        // On the listener's thread, like every use of apps_.
        boost::asio::post(reactor_.context(), [this, apps = std::move(apps)] { apps_ = apps; });
    }

    void set_apps_view(AppsView view) {
        boost::asio::post(reactor_.context(), [this, view = std::move(view)] { apps_view_ = view; });
    }

    void set_redis(RedisView redis) {
        boost::asio::post(reactor_.context(), [this, redis = std::move(redis)] { redis_ = redis; });
    }

    void set_tokens(std::vector<AdminToken> tokens) {
        boost::asio::post(reactor_.context(), [this, tokens = std::move(tokens)] {
            // The mode of a Unix socket stands for tokens.
            if (!socket_) {
                gate_.set_tokens(tokens);
            }
        });
    }

    [[nodiscard]] std::uint64_t reloads_asked() const { return reloads_asked_.load(); }

    void reloaded(std::uint64_t asked, ReloadOutcome outcome) {
        boost::asio::post(reactor_.context(),
                          [this, asked, outcome = std::move(outcome)] { answer_reloads(asked, outcome); });
    }

    void begin_drain() {
        boost::asio::post(reactor_.context(), [this] {
            is_draining_ = true;
            // Nobody reloads from here on.
            answer_reloads(reloads_asked_.load(),
                           {.error = std::string(kStopping), .certificates_error = {}, .after_restart = {}});
        });
    }

    Address bind(const Address& address) {
        Address bound = listener_.bind(address, Sharing::kAlone);
        // A crowd of silent connections would end newcomers before their requests come.
        listener_.wait_for_bytes(kAdminFirstBytes);
        return bound;
    }
    void bind_socket(const std::string& path) {
        socket_.emplace(path);
        listener_.adopt(socket_->release());
    }
    mesh::ShardMailbox& mailbox() { return mailbox_; }

    bool admit(const UpgradeRequest& request, const Peer& peer, HttpResponse& refused) override {
        AdminGate::Decision decision = gate_.decide(request, peer.address(), reactor_.now());
        if (decision.refusal) {
            refused = std::move(*decision.refusal);
            return false;
        }
        if (decision.needed == AdminScope::kOperate && request.method() == boost::beast::http::verb::post) {
            const boost::beast::string_view target = request.target();
            spdlog::info("admin: {} has been asked for{}{}", std::string_view(target.data(), target.size()),
                         decision.token.empty() ? "" : " with the token ", decision.token);
        }
        return true;
    }

    std::size_t max_body(std::string_view) const override { return kMaxIgnoredBodyBytes; }
    bool on_head(const HttpRequest&, HttpResponse&) override { return true; }

    void on_request(HttpTicket ticket, HttpRequest request) override {
        const AdminRoute* route = find_admin_route(request.path());
        // HEAD is answered like GET; the connection leaves the body out.
        const std::string_view method = request.method == "HEAD" ? std::string_view("GET") : request.method;
        if (route == nullptr) {
            respond(ticket, admin_answer(404, kAdminText, "not found\n"));
        } else if (method == "OPTIONS") {
            respond(ticket, options_of(*route));
        } else if (method != route->method) {
            HttpResponse response = admin_answer(405, kAdminText, "wrong method\n");
            response.headers.emplace_back("Allow", route->allowed());
            respond(ticket, std::move(response));
        } else {
            serve(ticket, *route, request);
        }
    }

    bool has_websockets() const override { return false; }

    bool on_upgrade(Socket&, Peer&, UpgradeRequest&, HttpResponse& refusal) override {
        refusal = admin_answer(404, kAdminText, "no WebSocket here\n");
        return false;
    }

private:
    // More fields than 15: the members that a single thread owns, in the order of dependence.

    /// A request that waits for a reload. `number` counts the requests.
    struct WaitingReload {
        std::uint64_t number;
        HttpTicket ticket;
    };

    /// Takes a new connection in, or closes the connection when every other connection is being answered.
    void take_in(Socket socket) {
        // Who can open the Unix socket is this node's user, or root.
        const std::optional<PeerAddress> address = socket_ ? PeerAddress{} : admin_peer_of(socket);
        if (!address) {
            return;
        }
        if (room_.is_full() && !make_room()) {
            // All connections are being answered: the new connection closes.
            return;
        }
        std::make_shared<HttpConnection>(reactor_, *this, room_, std::move(socket), Peer(*address))->start();
    }

    /// Ends the connection that the listener can do without best. False: all connections are being answered.
    bool make_room() {
        const bool has_ended = room_.make_room();
        if (has_ended) {
            counters_.connections_ended_total.add();
        }
        return has_ended;
    }

    /// True when balancers should send clients to this node.
    [[nodiscard]] bool takes_clients() const { return is_ready_ && !is_draining_ && limits_.takes_clients(); }

    /// Answers OPTIONS as the public listener does: the check of HAProxy, unless configured otherwise, is "OPTIONS /".
    [[nodiscard]] HttpResponse options_of(const AdminRoute& route) {
        const bool is_well =
            takes_clients() || (route.page != AdminPage::kChecksOnly && route.page != AdminPage::kReady);
        HttpResponse response = is_well ? admin_answer(200, kAdminText, "") : not_ready();
        response.headers.emplace_back("Allow", route.allowed());
        return response;
    }

    [[nodiscard]] HttpResponse not_ready() {
        // A node whose last moments have begun says "draining" as well.
        if (limits_.drain() == DrainState::kServing && !is_draining_) {
            return admin_answer(503, kAdminText, "not ready: " + limits_.why_not_ready(is_ready_) + "\n");
        }
        limits_.note_told_check();
        return admin_answer(drain_ready_status_, kAdminText, "draining\n");
    }

    /// Answers a request with the right method for its path.
    void serve(HttpTicket ticket, const AdminRoute& route, const HttpRequest& request) {
        switch (route.page) {
            case AdminPage::kChecksOnly:
                respond(ticket, admin_answer(404, kAdminText, "not found\n"));
                break;
            case AdminPage::kLive:
                respond(ticket, admin_answer(200, kAdminText, "OK\n"));
                break;
            case AdminPage::kReady:
                respond(ticket, takes_clients() ? admin_answer(200, kAdminText, "ready\n") : not_ready());
                break;
            case AdminPage::kMetrics:
                questions_.ask_metrics(ticket);
                break;
            case AdminPage::kStatus:
                questions_.ask_status(ticket);
                break;
            case AdminPage::kDoctor:
            case AdminPage::kTrace:
                ask_mesh(ticket, request, route.page == AdminPage::kTrace);
                break;
            case AdminPage::kReload:
                ask_reload(ticket);
                break;
            case AdminPage::kDrain:
            case AdminPage::kUndrain:
                ask_drain(ticket, request, route.page == AdminPage::kDrain);
                break;
            case AdminPage::kRebalance:
                ask_rebalance(ticket, request);
                break;
            case AdminPage::kChannels:
            case AdminPage::kPresence:
            case AdminPage::kConnections:
            case AdminPage::kConnection:
            case AdminPage::kKick:
                ask_clients(ticket, route.page, request);
                break;
            case AdminPage::kEvents:
                events_.ask(ticket, request.query());
                break;
            case AdminPage::kLog:
                events_.watch(ticket, request.query());
                break;
        }
    }

    /// The loop of the thread. A failed listener ends the process, as a failed shard does.
    void run() {
        try {
            reactor_.run([this] {
                questions_.end_turn();
                events_.end_turn();
            });
        } catch (const std::exception& error) {
            spdlog::critical("the admin listener has failed: {}", error.what());
            std::terminate();
        }
    }

    /// Answers a request; nothing happens when the peer has gone.
    void respond(HttpTicket ticket, HttpResponse response) { room_.respond(ticket, std::move(response)); }

    /// Asks the mesh for doctor or trace, after checks of the parameters.
    void ask_mesh(HttpTicket ticket, const HttpRequest& request, bool is_trace) {
        const std::optional<AdminParameters> given = parse_admin_parameters(request.query());
        if (!given) {
            respond(ticket, admin_refusal(400, "timeout_ms must be a number from 1 to 10000"));
        } else if (!is_trace) {
            questions_.ask_doctor(ticket, given->timeout);
        } else if (!is_valid_channel_name(given->channel)) {
            respond(ticket, admin_refusal(400, "channel must be the name of a channel"));
        } else if (apps_.find_by_id(given->app) == nullptr) {
            respond(ticket, admin_refusal(404, "this node has no such app"));
        } else {
            questions_.ask_trace(ticket, given->app, given->channel, given->timeout);
        }
    }

    /// Asks the main thread for a reload. The answer to the request comes with the end of that reload.
    void ask_reload(HttpTicket ticket) {
        if (is_draining_) {
            respond(ticket, admin_refusal(503, kStopping));
        } else if (reloads_.size() >= kMaxAdminReloads) {
            counters_.questions_refused_total.add();
            respond(ticket, admin_refusal(503, "too many requests wait for a reload"));
        } else {
            reloads_.push_back({reloads_asked_.fetch_add(1) + 1, ticket});
            ask_reload_();
        }
    }

    /// Has this node, or the node that the request names, move its clients away or keep them. /v1/status shows how far
    /// that is.
    void ask_drain(HttpTicket ticket, const HttpRequest& request, bool drains) {
        const std::optional<std::string> node = parse_node_parameter(request.query());
        if (!node) {
            respond(ticket, admin_refusal(400, "node must be the name of a node"));
        } else if (!node->empty() && *node != name_) {
            questions_.ask_drain(ticket, {*node, drains});
        } else if (limits_.drain() == DrainState::kLeaving || (!drains && limits_.stops())) {
            respond(ticket, admin_refusal(503, kStopping));
        } else {
            const DrainState before = limits_.drain();
            ask_drain_(drains);
            respond(ticket, admin_answer(202, kAdminJson, render_drain_answer(name_, before, true)));
        }
    }

    /// Has each node of the mesh with too many clients close some.
    void ask_rebalance(HttpTicket ticket, const HttpRequest& request) {
        if (const std::optional<std::uint64_t> rate = parse_rebalance_rate(request.query())) {
            questions_.ask_rebalance(ticket, *rate);
        } else {
            respond(ticket, admin_refusal(400, "max must be a number of clients a second, from 1 to 10000"));
        }
    }

    /// Asks the edges of all nodes about their clients, or has them close some.
    void ask_clients(HttpTicket ticket, AdminPage page, const HttpRequest& request) {
        const Result<ClientAsk, std::string> ask = read_client_ask(page, request.path(), request.query());
        if (ask.has_error()) {
            respond(ticket, admin_refusal(400, ask.error()));
        } else if (!ask->question.app.empty() && apps_.find_by_id(ask->question.app) == nullptr) {
            respond(ticket, admin_refusal(404, "this node has no such app"));
        } else {
            questions_.ask_edges(
                ticket, encode(ask->question), ask->timeout,
                [page, ask = *ask](const mesh::QueryResult& result) { return answer_client_ask(page, ask, result); });
        }
    }

    /// Answers the first `asked` requests for a reload.
    void answer_reloads(std::uint64_t asked, const ReloadOutcome& outcome) {
        while (!reloads_.empty() && reloads_.front().number <= asked) {
            const HttpTicket ticket = reloads_.front().ticket;
            reloads_.pop_front();
            respond(ticket, outcome.error == kStopping ? admin_refusal(503, kStopping)
                                                       : admin_reload_answer(outcome, apps_.all().size()));
        }
    }

    /// Takes the hub's messages in. A failing message does not touch the messages behind.
    void take_mail() {
        mailbox_.take_all(mail_);
        for (const mesh::ToShard& message : mail_) {
            try {
                if (const auto* readiness = std::get_if<mesh::Readiness>(&message)) {
                    is_ready_ = readiness->ready;
                } else {
                    questions_.take(message);
                }
            } catch (const std::exception& error) {
                // A request that waits for the lost answer is given up at its deadline.
                reactor_.count_failure(error);
            }
        }
        mail_.clear();
    }

    AdminCounters counters_;
    AdminGate gate_;
    const std::function<void()> ask_reload_;
    const std::function<void(bool)> ask_drain_;
    const std::string name_;
    const unsigned drain_ready_status_;
    const std::vector<const ShardCounters*> shards_;
    AppTable apps_;
    std::optional<RedisView> redis_;
    const std::function<void(AppSumsById&)> app_sums_;
    AppsView apps_view_;
    NodeLimits& limits_;
    HttpRoom room_{kMaxAdminConnections};
    Reactor reactor_;
    Wakeup wakeup_;
    mesh::ShardMailbox mailbox_;
    AdminQuestions questions_;
    const std::shared_ptr<EventLog> event_log_;
    AdminEvents events_;
    /// The Unix socket; nothing for a listener on a TCP address. Outlives the listener, which has its descriptor.
    std::optional<UnixSocket> socket_;
    Listener listener_;
    std::vector<mesh::ToShard> mail_;
    std::deque<WaitingReload> reloads_;
    /// The listener's thread writes.
    std::atomic<std::uint64_t> reloads_asked_{0};
    bool is_ready_ = false;
    bool is_draining_ = false;
    std::thread thread_;
};

AdminServer::AdminServer(mesh::ShardIndex index, mesh::HubMailbox& hub, std::vector<const ShardCounters*> shards,
                         AppTable apps, const ReloadCounters& reloads, NodeLimits& limits, AdminOptions options)
    : loop_(std::make_unique<Loop>(index, hub, std::move(shards), std::move(apps), reloads, limits,
                                   std::move(options))) {}

AdminServer::~AdminServer() = default;

Address AdminServer::bind(const Address& address) {
    return loop_->bind(address);
}

void AdminServer::bind_socket(const std::string& path) {
    loop_->bind_socket(path);
}

mesh::ShardMailbox& AdminServer::mailbox() {
    return loop_->mailbox();
}

void AdminServer::set_apps(AppTable apps) {
    loop_->set_apps(std::move(apps));
}

void AdminServer::set_apps_view(AppsView view) {
    loop_->set_apps_view(std::move(view));
}

void AdminServer::set_redis(RedisView redis) {
    loop_->set_redis(std::move(redis));
}

void AdminServer::set_tokens(std::vector<AdminToken> tokens) {
    loop_->set_tokens(std::move(tokens));
}

std::uint64_t AdminServer::reloads_asked() const {
    return loop_->reloads_asked();
}

void AdminServer::reloaded(std::uint64_t asked, ReloadOutcome outcome) {
    loop_->reloaded(asked, std::move(outcome));
}

void AdminServer::begin_drain() {
    loop_->begin_drain();
}

void AdminServer::start() {
    loop_->start();
}

void AdminServer::stop() {
    loop_->stop();
}

}  // namespace tulle::node
