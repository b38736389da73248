#include "node/admin/admin_server.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>

#include <spdlog/spdlog.h>
#include <boost/asio/post.hpp>

#include "node/admin/admin_counters.hpp"
#include "node/admin/admin_parameters.hpp"
#include "node/admin/metrics.hpp"
#include "node/admin/status_json.hpp"
#include "node/core/limits.hpp"
#include "node/edge/hub_port.hpp"
#include "node/edge/listener.hpp"
#include "node/edge/reactor.hpp"
#include "node/edge/wakeup.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/web/core/limits.hpp"
#include "node/web/core/page_guard.hpp"
#include "node/web/http_connection.hpp"
#include "node/web/http_service.hpp"

namespace tulle::node {
namespace {

// How long the hub may take for its status. A hub answers within a turn, so a silent second means trouble.
constexpr Duration kHubPatience = 1s;
/// Requests that wait for other nodes (doctor, trace). A further request gets 503, so that connections are left for
/// metrics and health checks.
constexpr std::ptrdiff_t kMaxAdminQuestions = 32;
constexpr std::string_view kText = "text/plain; charset=utf-8";
// The version of Prometheus' text format.
constexpr std::string_view kMetricsText = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view kJson = "application/json";

// An answer that no cache keeps: every answer is a view of the present.
HttpResponse answer(unsigned status, std::string_view content_type, std::string body) {
    HttpResponse response;
    response.status = status;
    response.content_type = std::string(content_type);
    response.body = std::move(body);
    response.headers.emplace_back("Cache-Control", "no-store");
    return response;
}

// An error in the form of the JSON endpoints. `reason` must need no escapes.
HttpResponse refusal(unsigned status, std::string_view reason) {
    const std::string code = std::to_string(status);
    return answer(status, kJson, R"({"error":")" + std::string(reason) + R"(","code":)" + code + "}");
}

}  // namespace

/// The part of the server that runs on the admin thread. A member is declared after every member that it depends on.
///
/// How a question to the hub goes: a request gets an id, waits in waiting_ under that id, and a message with the id
/// goes to the hub. The hub's answer names the id, and finish() answers every request that waits there. A request
/// without an answer at its deadline is answered by give_up(). Questions for the hub's status are shared (ask_status).
class AdminServer::Loop final : public HttpService {
public:
    Loop(mesh::ShardIndex index, mesh::HubMailbox& hub, std::vector<const ShardCounters*> shards, AppTable apps,
         const ReloadCounters& reloads, const NodeLimits& limits, const std::vector<std::string>& names)
        : page_guard_(names),
          shards_(std::move(shards)),
          apps_(std::move(apps)),
          reloads_(reloads),
          limits_(limits),
          reactor_(FlushMode::kSend),
          wakeup_(reactor_, [this] { take_mail(); }),
          mailbox_(kShardMailboxItems, [this] { wakeup_.notify(); }),
          hub_(hub, index),
          listener_(reactor_, [this](Socket socket) { take_in(std::move(socket)); }) {}

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

    void begin_drain() {
        boost::asio::post(reactor_.context(), [this] { is_draining_ = true; });
    }

    Listener& listener() { return listener_; }
    mesh::ShardMailbox& mailbox() { return mailbox_; }

    /// Refuses requests that a web page may have made (http::PageGuard). False: `refused` is filled in.
    bool admit(const UpgradeRequest& request, HttpResponse& refused) override {
        using Field = boost::beast::http::field;
        const auto value = [&request](Field name) -> std::optional<std::string_view> {
            const auto [begin, end] = request.equal_range(name);
            if (begin == end) {
                return std::nullopt;
            }
            // A header that stands twice has no certain value: "?" equals no value that the guard allows.
            const boost::beast::string_view text = std::next(begin) == end ? begin->value() : "?";
            return std::string_view(text.data(), text.size());
        };
        http::Provenance provenance{value(Field::host), value(Field::origin), std::nullopt, value(Field::content_type),
                                    request.method() == boost::beast::http::verb::post};
        if (const auto site = request.find("Sec-Fetch-Site"); site != request.end()) {
            provenance.fetch_site = std::string_view(site->value().data(), site->value().size());
        }
        const std::optional<http::Refusal> refusal_found = page_guard_.refuse(provenance);
        if (refusal_found) {
            admin_counters_.pages_refused_total.add();
            refused = refusal(refusal_found->status, refusal_found->reason);
        }
        return !refusal_found;
    }

    std::size_t max_body(std::string_view) const override { return kMaxIgnoredBodyBytes; }
    bool on_head(const HttpRequest&, HttpResponse&) override { return true; }

    void on_request(HttpTicket ticket, HttpRequest request) override {
        constexpr std::string_view kPaths[] = {"*",        "/",          "/up",        "/ready",
                                               "/metrics", "/v1/status", "/v1/doctor", "/v1/trace"};
        // HEAD is answered like GET; the connection leaves the body out. The root and "*" exist for OPTIONS only.
        const std::string_view path = request.path();
        const std::string_view allowed = path == "/v1/trace" ? "POST, OPTIONS" : "GET, HEAD, OPTIONS";
        const std::string_view method = request.method == "HEAD" ? std::string_view("GET") : request.method;
        if (std::find(std::begin(kPaths), std::end(kPaths), path) == std::end(kPaths)) {
            respond(ticket, answer(404, kText, "not found\n"));
        } else if (method == "OPTIONS") {
            respond(ticket, options_of(path, allowed));
        } else if (method != (path == "/v1/trace" ? "POST" : "GET")) {
            HttpResponse response = answer(405, kText, "wrong method\n");
            response.headers.emplace_back("Allow", allowed);
            respond(ticket, std::move(response));
        } else if (path == "/") {
            respond(ticket, answer(404, kText, "not found\n"));
        } else if (path == "/up") {
            respond(ticket, answer(200, kText, "OK\n"));
        } else if (path == "/ready") {
            respond(ticket, takes_clients() ? answer(200, kText, "ready\n") : answer(503, kText, "not ready\n"));
        } else if (path == "/metrics" || path == "/v1/status") {
            ask_status({path == "/metrics" ? Wanted::kMetrics : Wanted::kStatus, ticket, due_in({})});
        } else {
            ask_mesh(ticket, request, path == "/v1/trace");
        }
    }

    bool has_websockets() const override { return false; }

    bool on_upgrade(Socket&, Peer&, UpgradeRequest&, HttpResponse& refusal) override {
        refusal = answer(404, kText, "no WebSocket here\n");
        return false;
    }

private:
    // More fields than 15: the members that a single thread owns, in the order of dependence.

    /// The result that a waiting request asks for.
    enum class Wanted {
        kMetrics,
        kStatus,
        /// Our status, for another node's doctor.
        kReport,
        kDoctor,
        kTrace,
    };
    /// A request that waits for the hub.
    struct Waiting {
        Wanted wanted;
        HttpTicket ticket;
        /// The request is given up at this time.
        Instant deadline;
        /// The token of the mesh's query, for kReport.
        std::uint64_t token = 0;
        /// App and channel, for kTrace.
        std::string app{};
        std::string channel{};
    };

    /// Takes a new connection in, or closes the connection when every other connection is being answered.
    void take_in(Socket socket) {
        if (room_.is_full()) {
            admin_counters_.connections_ended_total.add();
            if (!room_.make_room()) {
                // All connections are being answered: the new connection closes.
                return;
            }
        }
        std::make_shared<HttpConnection>(reactor_, *this, room_, std::move(socket), Peer{})->start();
    }

    /// True when balancers should send clients to this node.
    [[nodiscard]] bool takes_clients() const { return is_ready_ && !is_draining_ && !limits_.is_refusing(); }

    /// Answers OPTIONS as the public listener does: the check of HAProxy, unless configured otherwise, is "OPTIONS /".
    [[nodiscard]] HttpResponse options_of(std::string_view path, std::string_view allowed) const {
        const bool is_well = takes_clients() || !(path == "/" || path == "*" || path == "/ready");
        HttpResponse response = is_well ? answer(200, kText, "") : answer(503, kText, "not ready\n");
        response.headers.emplace_back("Allow", allowed);
        return response;
    }

    /// True for a request that counts against kMaxAdminQuestions.
    static bool waits_for_mesh(const std::pair<const std::uint64_t, Waiting>& each) {
        return each.second.wanted == Wanted::kDoctor || each.second.wanted == Wanted::kTrace;
    }

    /// The loop of the thread. A failed listener ends the process, as a failed shard does.
    void run() {
        try {
            reactor_.run([this] { end_turn(); });
        } catch (const std::exception& error) {
            spdlog::critical("the admin listener has failed: {}", error.what());
            std::terminate();
        }
    }

    /// Answers a request; nothing happens when the peer has gone.
    void respond(HttpTicket ticket, HttpResponse response) { room_.respond(ticket, std::move(response)); }

    /// The deadline of a request: the hub's patience on top of the time for other nodes.
    [[nodiscard]] Instant due_in(Duration timeout) { return reactor_.now() + timeout + kHubPatience; }

    /// Asks the mesh for doctor or trace, after checks of the parameters.
    void ask_mesh(HttpTicket ticket, const HttpRequest& request, bool is_trace) {
        const std::optional<AdminParameters> given = parse_admin_parameters(request.query());
        if (!given) {
            respond(ticket, refusal(400, "timeout_ms must be a number from 1 to 10000"));
        } else if (std::count_if(waiting_.begin(), waiting_.end(), waits_for_mesh) >= kMaxAdminQuestions) {
            admin_counters_.questions_refused_total.add();
            respond(ticket, refusal(503, "too many questions wait for the mesh"));
        } else if (!is_trace) {
            const std::uint64_t id = ++last_id_;
            ask_hub(id, {Wanted::kDoctor, ticket, due_in(given->timeout)},
                    mesh::Query{id, std::string(kReportQuery), given->timeout});
        } else if (!is_valid_channel_name(given->channel)) {
            respond(ticket, refusal(400, "channel must be the name of a channel"));
        } else if (apps_.find_by_id(given->app) == nullptr) {
            respond(ticket, refusal(404, "this node has no such app"));
        } else {
            const std::uint64_t id = ++last_id_;
            const std::string key = channel_key(given->app, given->channel);
            ask_hub(id, {Wanted::kTrace, ticket, due_in(given->timeout), 0, given->app, given->channel},
                    mesh::Trace{id, key, given->timeout});
        }
    }

    /// Sends a question, and files the request under `id`. A full mailbox of the hub gives the request up at once.
    void ask_hub(std::uint64_t id, Waiting waiting, mesh::ToHub question) {
        if (hub_.offer(std::move(question)) == Push::kAccepted) {
            waiting_.emplace(id, std::move(waiting));
        } else {
            give_up(waiting);
        }
    }

    /// While the hub owes a status, further requests wait for the next status, which is asked for as soon as the owed
    /// status comes. So no request is told a status older than the request, and the hub is asked once a turn whatever
    /// the number of requests.
    void ask_status(Waiting waiting) {
        // No status is owed, or the hub's answer is overdue. The id after this id is for requests that come meanwhile.
        if (reactor_.now() >= status_due_until_) {
            const std::uint64_t id = ++last_id_;
            next_status_ = ++last_id_;
            ask_hub(id, std::move(waiting), mesh::StatusRequest{id});
            status_due_until_ = waiting_.contains(id) ? due_in({}) : Instant{};
        } else {
            waiting_.emplace(next_status_, std::move(waiting));
        }
    }

    /// The hub has answered: asks for the requests that have come meanwhile.
    void ask_next_status() {
        status_due_until_ = {};
        const std::uint64_t id = std::exchange(next_status_, ++last_id_);
        // Nobody has come meanwhile.
        if (!waiting_.contains(id)) {
            return;
        }
        if (hub_.offer(mesh::StatusRequest{id}) == Push::kAccepted) {
            status_due_until_ = due_in({});
            return;
        }
        for (auto late = waiting_.extract(id); late; late = waiting_.extract(id)) {
            give_up(late.mapped());
        }
    }

    /// Answers a request without the hub: metrics without the mesh's part, an empty report, or 503.
    void give_up(const Waiting& waiting) {
        if (waiting.wanted == Wanted::kReport) {
            hub_.send(mesh::LocalAnswer{waiting.token, {}, true});
        } else if (waiting.wanted == Wanted::kMetrics) {
            respond(waiting.ticket,
                    answer(200, kMetricsText, render_metrics(shards_, reloads_, admin_counters_, nullptr)));
        } else {
            respond(waiting.ticket, refusal(503, "the mesh does not answer"));
        }
    }

    /// As give_up, at the end of a turn, where an exception would end the process. A failure ends the connection of the
    /// request.
    void give_up_guarded(const Waiting& waiting) {
        try {
            give_up(waiting);
        } catch (const std::exception& error) {
            Connection* connection = waiting.wanted == Wanted::kReport ? nullptr : reactor_.find(waiting.ticket.slot);
            if (connection != nullptr) {
                reactor_.fail(*connection, error);
            } else {
                reactor_.count_failure(error);
            }
        }
    }

    /// Takes the hub's messages in. A failing message does not touch the messages behind.
    void take_mail() {
        mailbox_.take_all(mail_);
        for (const mesh::ToShard& message : mail_) {
            try {
                take(message);
            } catch (const std::exception& error) {
                // A request that waits for the lost answer is given up at its deadline.
                reactor_.count_failure(error);
            }
        }
        mail_.clear();
    }

    /// Takes a message of the hub in.
    void take(const mesh::ToShard& message) {
        if (const auto* reply = std::get_if<mesh::StatusReply>(&message)) {
            // First the question for the requests that came later, then the answers: a failing answer must not keep the
            // question back.
            ask_next_status();
            answer_with(reply->id, reply->status);
        } else if (const auto* result = std::get_if<mesh::QueryResult>(&message)) {
            answer_with(result->id, *result);
        } else if (const auto* trace = std::get_if<mesh::TraceResult>(&message)) {
            answer_with(trace->id, *trace);
        } else if (const auto* readiness = std::get_if<mesh::Readiness>(&message)) {
            is_ready_ = readiness->ready;
        } else if (const auto* query = std::get_if<mesh::LocalQuery>(&message)) {
            answer_query(*query);
        }
    }

    /// Answers a query of the mesh: a report for the doctor, an empty last part for any other protocol's query.
    void answer_query(const mesh::LocalQuery& query) {
        if (query.body != kReportQuery) {
            hub_.send(mesh::LocalAnswer{query.token, {}, true});
            return;
        }
        ask_status({Wanted::kReport, {}, due_in({}), query.token});
    }

    /// Gives the hub's answer to every request that waits under `id`.
    template <class Reply>
    void answer_with(std::uint64_t id, const Reply& reply) {
        for (auto found = waiting_.extract(id); found; found = waiting_.extract(id)) {
            finish(found.mapped(), reply);
        }
    }

    /// Answers metrics, status, or another node's doctor.
    void finish(const Waiting& waiting, const mesh::NodeStatus& status) {
        if (waiting.wanted == Wanted::kMetrics) {
            respond(waiting.ticket,
                    answer(200, kMetricsText, render_metrics(shards_, reloads_, admin_counters_, &status)));
        } else if (waiting.wanted == Wanted::kStatus) {
            respond(waiting.ticket, answer(200, kJson, render_status(status, shards_)));
        } else {
            // The report goes to the hub in parts, with the last part marked.
            std::vector<std::string> parts = render_report(status, mesh::kMaxQueryPartBytes);
            for (std::size_t i = 0; i < parts.size(); ++i) {
                hub_.send(mesh::LocalAnswer{waiting.token, std::move(parts[i]), i + 1 == parts.size()});
            }
        }
    }

    void finish(const Waiting& waiting, const mesh::QueryResult& result) {
        respond(waiting.ticket, answer(200, kJson, render_doctor(result)));
    }

    void finish(const Waiting& waiting, const mesh::TraceResult& result) {
        switch (result.outcome) {
            case mesh::TraceOutcome::kSent:
                respond(waiting.ticket, answer(200, kJson, render_trace(result, waiting.app, waiting.channel)));
                break;
            case mesh::TraceOutcome::kNotReady:
                respond(waiting.ticket, refusal(503, "this node does not accept messages now"));
                break;
            case mesh::TraceOutcome::kTooMany:
                respond(waiting.ticket, refusal(429, "too many traces are under way"));
                break;
            case mesh::TraceOutcome::kBadChannel:
                respond(waiting.ticket, refusal(400, "channel must be the name of a channel"));
                break;
        }
    }

    /// Gives up requests past their deadline, and hands the messages of the turn over to the hub.
    void end_turn() {
        for (auto it = waiting_.begin(); it != waiting_.end();) {
            // The entry is erased below, so the iterator moves on first.
            const auto current = it++;
            if (current->second.deadline <= reactor_.now()) {
                give_up_guarded(current->second);
                waiting_.erase(current);
            } else {
                reactor_.wake_at(current->second.deadline);
            }
        }
        if (!hub_.flush()) {
            reactor_.wake_at(reactor_.now() + kHubRetryInterval);
        }
    }

    const http::PageGuard page_guard_;
    AdminCounters admin_counters_;
    const std::vector<const ShardCounters*> shards_;
    AppTable apps_;
    const ReloadCounters& reloads_;
    const NodeLimits& limits_;
    HttpRoom room_{kMaxAdminConnections};
    Reactor reactor_;
    Wakeup wakeup_;
    mesh::ShardMailbox mailbox_;
    HubPort hub_;
    Listener listener_;
    std::vector<mesh::ToShard> mail_;
    // By the id of their question. Several requests may share a status.
    std::multimap<std::uint64_t, Waiting> waiting_;
    // The time until which the hub owes a status; in the past: no status is owed.
    Instant status_due_until_{};
    // The id of the question for a status after the question under way.
    std::uint64_t next_status_ = 0;
    std::uint64_t last_id_ = 0;
    bool is_ready_ = false;
    bool is_draining_ = false;
    std::thread thread_;
};

AdminServer::AdminServer(mesh::ShardIndex index, mesh::HubMailbox& hub, std::vector<const ShardCounters*> shards,
                         AppTable apps, const ReloadCounters& reloads, const NodeLimits& limits,
                         const std::vector<std::string>& names)
    : loop_(std::make_unique<Loop>(index, hub, std::move(shards), std::move(apps), reloads, limits, names)) {}

AdminServer::~AdminServer() = default;

Address AdminServer::bind(const Address& address) {
    return loop_->listener().bind(address, Sharing::kAlone);
}

mesh::ShardMailbox& AdminServer::mailbox() {
    return loop_->mailbox();
}

void AdminServer::set_apps(AppTable apps) {
    loop_->set_apps(std::move(apps));
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
