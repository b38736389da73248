#include "node/admin/admin_server.hpp"

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
#include "node/admin/admin_health.hpp"
#include "node/admin/admin_parameters.hpp"
#include "node/admin/admin_questions.hpp"
#include "node/admin/admin_reloads.hpp"
#include "node/admin/admin_routes.hpp"
#include "node/admin/client_asks.hpp"
#include "node/admin/mesh_events.hpp"
#include "node/admin/page_answers.hpp"
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
          reloads_(room_, counters_, std::move(options.ask_reload)),
          shards_(std::move(shards)),
          apps_(std::move(apps)),
          redis_(std::move(options.redis)),
          app_sums_(std::move(options.app_sums)),
          apps_view_(std::move(options.apps_view)),
          limits_(limits),
          health_(limits, options.drain_ready_status),
          reactor_(FlushMode::kSend),
          wakeup_(reactor_, [this] { take_mail(); }),
          mailbox_(kShardMailboxItems, [this] { wakeup_.notify(); }),
          event_log_(std::move(options.events)),
          questions_(reactor_, room_, hub, index,
                     {shards_, reloads, redis_, app_sums_, apps_view_, counters_, limits, std::move(options.move_some),
                      options.name, std::move(options.ask_drain), *event_log_}),
          events_(reactor_, room_, *event_log_, shards_, counters_, options.refusals),
          listener_(reactor_, [this](Socket socket) { take_in(std::move(socket)); }) {
        gate_.set_tokens(options.tokens);
        listener_.on_starved([this] { return make_room(); });
        event_log_->on_add([this] { wakeup_.notify(); });
    }

    ~Loop() override {
        event_log_->on_add(nullptr);
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

    [[nodiscard]] std::uint64_t reloads_asked() const { return reloads_.asked(); }

    void reloaded(std::uint64_t asked, ReloadOutcome outcome) {
        boost::asio::post(reactor_.context(), [this, asked, outcome = std::move(outcome)] {
            reloads_.answer(asked, outcome, apps_.all().size());
        });
    }

    void begin_drain() {
        boost::asio::post(reactor_.context(), [this] {
            health_.begin_drain();
            // Nobody reloads from here on.
            reloads_.answer(reloads_.asked(),
                            {.error = std::string(kStopping), .certificates_error = {}, .after_restart = {}},
                            apps_.all().size());
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
            respond(ticket, health_.options_of(*route));
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

    /// Answers a request with the right method for its path.
    void serve(HttpTicket ticket, const AdminRoute& route, const HttpRequest& request) {
        switch (route.page) {
            case AdminPage::kChecksOnly:
                respond(ticket, admin_answer(404, kAdminText, "not found\n"));
                break;
            case AdminPage::kPage:
            case AdminPage::kPageStyle:
            case AdminPage::kPageScript:
            case AdminPage::kPageTables:
                respond(ticket, page_answer(route.page));
                break;
            case AdminPage::kLive:
                respond(ticket, admin_answer(200, kAdminText, "OK\n"));
                break;
            case AdminPage::kReady:
                respond(ticket, health_.ready());
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
                ask_events(ticket, request);
                break;
            case AdminPage::kLog:
                watch_refusals(ticket, request);
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
            respond(ticket, admin_refusal(400, "timeout_ms must be a number from 1 to 10000, and brief yes"));
        } else if (!is_trace) {
            questions_.ask_doctor(ticket, given->timeout, given->is_brief);
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
        if (health_.is_draining()) {
            respond(ticket, admin_refusal(503, kStopping));
        } else {
            reloads_.ask(ticket);
        }
    }

    /// Has this node, or the node that the request names, move its clients away or keep them. /v1/status shows how far
    /// that is.
    void ask_drain(HttpTicket ticket, const HttpRequest& request, bool drains) {
        const Result<DrainOrder, std::string> order = parse_drain_order(request.query(), drains);
        if (order.has_error()) {
            respond(ticket, admin_refusal(400, order.error()));
        } else {
            questions_.ask_drain(ticket, *order);
        }
    }

    /// Has each node of the mesh with too many clients close some.
    void ask_rebalance(HttpTicket ticket, const HttpRequest& request) {
        const Result<std::uint64_t, std::string> rate = parse_rebalance_rate(request.query());
        if (rate.has_error()) {
            respond(ticket, admin_refusal(400, rate.error()));
        } else {
            questions_.ask_rebalance(ticket, *rate);
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

    /// Asks this node's flight recorder, or those of all nodes.
    void ask_events(HttpTicket ticket, const HttpRequest& request) {
        const Result<EventsQuery, std::string> query = parse_events_query(request.query());
        if (query.has_error()) {
            respond(ticket, admin_refusal(400, query.error()));
        } else if (query->is_of_mesh) {
            questions_.ask_edges(ticket, encode(MeshEventsQuery{query->limit, query->kind}), query->wait,
                                 [limit = query->limit](const mesh::QueryResult& result) {
                                     return admin_answer(200, kAdminJson, render_mesh_events(result, limit));
                                 });
        } else {
            events_.ask(ticket, *query);
        }
    }

    /// Has the node tell of refused clients, of one of its apps or of all.
    void watch_refusals(HttpTicket ticket, const HttpRequest& request) {
        const Result<LogQuery, std::string> query = parse_log_query(request.query());
        if (query.has_error()) {
            respond(ticket, admin_refusal(400, query.error()));
        } else if (!query->app.empty() && apps_.find_by_id(query->app) == nullptr) {
            respond(ticket, admin_refusal(404, "this node has no such app"));
        } else {
            events_.watch(ticket, *query);
        }
    }

    /// Takes the hub's messages in. A failing message does not touch the messages behind.
    void take_mail() {
        mailbox_.take_all(mail_);
        for (const mesh::ToShard& message : mail_) {
            try {
                if (const auto* readiness = std::get_if<mesh::Readiness>(&message)) {
                    health_.set_ready(readiness->ready);
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
    HttpRoom room_{kMaxAdminConnections};
    AdminReloads reloads_;
    const std::vector<const ShardCounters*> shards_;
    AppTable apps_;
    std::optional<RedisView> redis_;
    const std::function<void(AppSumsById&)> app_sums_;
    AppsView apps_view_;
    NodeLimits& limits_;
    AdminHealth health_;
    Reactor reactor_;
    Wakeup wakeup_;
    mesh::ShardMailbox mailbox_;
    const std::shared_ptr<EventLog> event_log_;
    AdminQuestions questions_;
    AdminEvents events_;
    /// The Unix socket; nothing for a listener on a TCP address. Outlives the listener, which has its descriptor.
    std::optional<UnixSocket> socket_;
    Listener listener_;
    std::vector<mesh::ToShard> mail_;
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
