#include "node/pusher/edge/public_http.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

#include "mesh/core/node/port.hpp"
#include "node/edge/clock.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/core/limits.hpp"
#include "node/pusher/edge/event_history.hpp"
#include "node/pusher/edge/event_span.hpp"
#include "node/pusher/wire/connect.hpp"
#include "node/pusher/wire/raw_json.hpp"
#include "node/pusher/wire/request_signature.hpp"
#include "node/web/core/limits.hpp"

namespace tulle::node {

static_assert(kMaxEventTailBytes <= mesh::kMaxBodyBytes && kMaxPublishChannels <= mesh::kMaxRecordChannels);
static_assert(kMaxAck == mesh::kMaxCopies);

namespace {

/// HTTP status.
constexpr unsigned kUnauthorised = 401;
/// The allowed methods outside the API.
constexpr std::string_view kPageMethods = "GET, HEAD, OPTIONS";

/// An answer in plain text.
HttpResponse text(unsigned status, std::string_view body) {
    HttpResponse response;
    response.status = status;
    response.content_type = "text/plain; charset=utf-8";
    response.body = std::string(body);
    return response;
}

/// True for the two paths of the readiness check. The second path is soketi's.
bool asks_readiness(std::string_view path) {
    return path == "/ready" || path == "/accept-traffic";
}

}  // namespace

PublicHttp::PublicHttp(const Context& context)
    : reactor_(context.reactor),
      hub_(context.hub),
      room_(context.room),
      clients_(context.clients),
      apps_(context.apps),
      ws_limits_(context.ws_limits),
      limits_(context.limits),
      rations_(context.rations),
      book_(context.book),
      demo_(context.demo, context.apps),
      drain_ready_status_(context.drain_ready_status),
      spans_(context.spans) {}

void PublicHttp::respond(HttpTicket ticket, HttpResponse response) {
    // The sender goes to another node with the next request. Connections without a request are end_idle()'s matter.
    response.close = response.close || is_draining_ || limits_.drain() >= DrainState::kMoving;
    room_.respond(ticket, std::move(response));
}

bool PublicHttp::is_origin_allowed(const UpgradeRequest& request) const {
    const auto origins = request.equal_range(boost::beast::http::field::origin);
    const App* app = pusher::app_of_target(apps_, std::string_view(request.target().data(), request.target().size()));
    if (app == nullptr || origins.first == origins.second) {
        // An unknown app is refused with its own code, once the WebSocket stands. A client without an Origin is no
        // browser.
        return true;
    }
    const boost::beast::string_view origin = origins.first->value();
    return std::next(origins.first) == origins.second && allows_origin(*app, {origin.data(), origin.size()});
}

bool PublicHttp::admit(const UpgradeRequest& head, const Peer&, HttpResponse& refusal) {
    std::optional<HttpResponse> answer = demo_.refuse(head);
    if (!answer) {
        return true;
    }
    refusal = std::move(*answer);
    return false;
}

bool PublicHttp::on_upgrade(Socket& socket, Peer& peer, UpgradeRequest& request, HttpResponse& refusal) {
    const bool is_taken = take_upgrade(socket, peer, request, refusal);
    if (!is_taken && limits_.refusals().is_on()) {
        const std::string_view target(request.target().data(), request.target().size());
        const App* app = pusher::app_of_target(apps_, target);
        limits_.refusals().tell(
            reactor_.now(), app == nullptr ? "" : app->id, peer.address(),
            std::to_string(refusal.status) + " WebSocket " + std::string(target) + ": " + refusal.body);
    }
    return is_taken;
}

bool PublicHttp::take_upgrade(Socket& socket, Peer& peer, UpgradeRequest& request, HttpResponse& refusal) {
    if (!is_ready_ || is_closed()) {
        refusal = pusher::unavailable("the node is not ready for clients");
        return false;
    }
    // Memory is short: new clients would take memory from present clients.
    if (limits_.is_refusing()) {
        reactor_.counters().full_refusals_total.add();
        refusal = pusher::unavailable("the node takes no more clients now");
        return false;
    }
    if (!is_origin_allowed(request)) {
        refusal = pusher::api_error(403, "pages of this origin may not connect to the app");
        return false;
    }
    // The last check, since success counts the connection as a client.
    if (!peer.become_client()) {
        reactor_.counters().full_refusals_total.add();
        refusal = pusher::unavailable("the node has as many clients as it may have");
        return false;
    }
    using Field = boost::beast::http::field;
    const App* app = pusher::app_of_target(apps_, std::string_view(request.target().data(), request.target().size()));
    const std::string offered = joined(request, Field::sec_websocket_protocol);
    WsBeginning beginning{max_frame_bytes(app == nullptr ? 0 : app->max_event_bytes),
                          std::string(pusher::choose_subprotocol(offered))};
    std::make_shared<WsConnection>(reactor_, clients_, std::move(socket), std::move(peer), ws_limits_)
        ->start(request, std::move(beginning));
    return true;
}

std::size_t PublicHttp::max_body(std::string_view target) const {
    return pusher::is_api_target(target) ? kMaxHttpBodyBytes : kMaxIgnoredBodyBytes;
}

bool PublicHttp::on_head(const HttpRequest& head, HttpResponse& refusal) {
    if (!pusher::is_api_target(head.path())) {
        // All other paths are answered with the whole request, so that the answer is the same however TCP cuts the
        // request.
        return true;
    }
    std::optional<HttpResponse> answer = pusher::refuse_head(head, apps_, wall_now());
    if (!answer) {
        return true;
    }
    throttle_failure(head.peer, *answer);
    tell_refusal(head, *answer);
    pusher::allow_any_origin(*answer);
    refusal = std::move(*answer);
    return false;
}

void PublicHttp::on_request(HttpTicket ticket, HttpRequest request) {
    if (pusher::is_api_target(request.path())) {
        serve_api(ticket, request);
    } else {
        serve_page(ticket, request);
    }
}

/// "/up/APP_ID", as Sockudo has it: whether this node serves the app.
bool PublicHttp::is_up_of_app(std::string_view path) const {
    constexpr std::string_view kUp = "/up/";
    if (!path.starts_with(kUp)) {
        return false;
    }
    const App* app = apps_.find_by_id(path.substr(kUp.size()));
    return app != nullptr && app->enabled;
}

std::optional<HttpResponse> PublicHttp::refuse_page(const HttpRequest& request) const {
    const std::string_view path = request.path();
    const bool is_known = path == "/" || path == "*" || path == "/up" || path == "/live" || asks_readiness(path) ||
                          demo_.asks_members(path) || demo_.is_order(path) || is_up_of_app(path);
    if (pusher::is_client_target(path)) {
        HttpResponse response = pusher::api_error(
            426, "clients connect here: a request needs HTTP/1.1, Upgrade: websocket and Connection: Upgrade");
        response.headers.emplace_back("Upgrade", "websocket");
        response.headers.emplace_back("Connection", "Upgrade");
        return response;
    }
    if (!is_known) {
        return pusher::api_error(404, "not found");
    }
    const bool is_order = demo_.is_order(path);
    const bool is_right = is_order ? request.method == "POST"
                                   : request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS";
    if (is_right) {
        return std::nullopt;
    }
    HttpResponse response = pusher::api_error(405, "wrong method");
    response.headers.emplace_back("Allow", is_order ? "POST" : kPageMethods);
    return response;
}

HttpResponse PublicHttp::answer_check() {
    NodeLimits::CheckAnswer answer = limits_.answer_check(is_ready_, is_draining_, drain_ready_status_);
    return text(answer.status, std::move(answer.text));
}

/// Load balancers must not send clients to a node without readiness.
HttpResponse PublicHttp::options_of(std::string_view path) {
    // HAProxy asks "OPTIONS /" for a health check unless configured otherwise, and some of its examples ask "OPTIONS
    // *". These requests are answered like /ready.
    const bool is_check = path == "/" || path == "*" || asks_readiness(path);
    HttpResponse response = is_check ? answer_check() : text(200, "");
    if (response.status == 200) {
        response.body.clear();
    }
    response.headers.emplace_back("Allow", path == "*" ? std::string_view("GET, HEAD, POST, OPTIONS") : kPageMethods);
    return response;
}

void PublicHttp::serve_page(HttpTicket ticket, const HttpRequest& request) {
    const std::string_view path = request.path();
    if (std::optional<HttpResponse> refusal = refuse_page(request)) {
        respond(ticket, std::move(*refusal));
    } else if (request.method == "OPTIONS") {
        respond(ticket, options_of(path));
    } else if (asks_readiness(path)) {
        respond(ticket, answer_check());
    } else if (demo_.is_order(path)) {
        respond(ticket, demo_.obey(request));
    } else if (demo_.asks_members(path)) {
        const std::uint64_t id = ++last_id_;
        if (hub_.offer(mesh::StatusRequest{id}) == Push::kAccepted) {
            status_requests_.emplace(id, ticket);
        } else {
            respond(ticket, pusher::unavailable("the node is busy"));
        }
    } else if (demo_.is_on() && path == "/") {
        respond(ticket, demo_.page());
    } else {
        respond(ticket, text(200, "OK\n"));
    }
}

void PublicHttp::throttle_failure(const PeerAddress& peer, HttpResponse& response) {
    if (response.status != kUnauthorised) {
        return;
    }
    // A 401 with another cause, such as a wrong clock, does not count against the address.
    if (!response.is_guess) {
        reactor_.counters().auth_failures_total.add();
    } else if (const Duration wait = limits_.shut_for(peer, reactor_.now()); wait > Duration{}) {
        reactor_.counters().auth_throttled_total.add();
        response = pusher::throttled(wait);
    } else {
        reactor_.counters().auth_failures_total.add();
        limits_.on_auth_failure(peer, reactor_.now());
    }
}

void PublicHttp::tell_refusal(const HttpRequest& request, const HttpResponse& response) {
    if (response.status < 400 || !limits_.refusals().is_on()) {
        return;
    }
    const App* app = pusher::app_of_api_target(apps_, request.path());
    std::string what = std::to_string(response.status) + " " + request.method + " " + std::string(request.path()) +
                       ": " + response.body;
    // A backend that signs another text finds the difference by comparing the two.
    if (response.is_guess) {
        what += "; the text to sign with the app's secret is " + pusher::quoted(pusher::text_to_sign(request));
    }
    limits_.refusals().tell(reactor_.now(), app == nullptr ? "" : app->id, request.peer, what);
}

void PublicHttp::serve_api(HttpTicket ticket, const HttpRequest& request) {
    pusher::ApiAction action = pusher::handle(request, apps_, wall_now());
    // The order of the checks below: a wrong request is told so even by a busy node, and points are taken only for work
    // that begins.
    if (auto* answer = std::get_if<pusher::Respond>(&action)) {
        throttle_failure(request.peer, answer->response);
        tell_refusal(request, answer->response);
        respond_api(ticket, std::move(answer->response));
    } else if (!is_ready_) {
        HttpResponse refusal = pusher::unavailable("the node is not ready");
        tell_refusal(request, refusal);
        respond_api(ticket, std::move(refusal));
    } else if (!std::get<pusher::ApiWork>(action).events.empty() && limits_.pressure() == Pressure::kShedding) {
        reactor_.counters().http_publishes_refused_total.add();
        HttpResponse refusal = pusher::unavailable("the node has too little memory for more events");
        tell_refusal(request, refusal);
        respond_api(ticket, std::move(refusal));
    } else if (std::optional<HttpResponse> refusal = ration(request, std::get<pusher::ApiWork>(action))) {
        tell_refusal(request, *refusal);
        respond_api(ticket, std::move(*refusal));
    } else {
        begin(ticket, std::move(std::get<pusher::ApiWork>(action)), request.traceparent);
    }
}

std::optional<HttpResponse> PublicHttp::ration(const HttpRequest& request, const pusher::ApiWork& work) {
    const App* app = pusher::app_of_api_target(apps_, request.path());
    const auto [what, points] = pusher::cost_of(work);
    if (app == nullptr || allowance_of(*app, what) == 0) {
        return std::nullopt;
    }
    const Grant grant = rations_.take(reactor_.now(), *app, what, points);
    if (grant.is_granted) {
        return std::nullopt;
    }
    reactor_.counters().rate_limited_total.add();
    return pusher::rate_limited(grant, allowance_of(*app, what));
}

void PublicHttp::respond_api(HttpTicket ticket, HttpResponse response) {
    pusher::allow_any_origin(response);
    respond(ticket, std::move(response));
}

bool PublicHttp::fits_into_outbox(const pusher::ApiWork& work) const {
    return std::all_of(work.events.begin(), work.events.end(),
                       [this](const pusher::PublishEvent& event) { return ws_limits_.fits(event.body.size()); });
}

std::unique_ptr<Span> PublicHttp::span_of(const std::vector<pusher::PublishEvent>& events,
                                          std::string_view traceparent) const {
    const std::optional<TraceContext> parent =
        spans_ == nullptr || events.empty() ? std::nullopt : sampled_context(traceparent);
    if (!parent) {
        return nullptr;
    }
    const std::string& key = events.front().channels.front();
    // The order to end a user's connections travels as an event, but is none.
    if (user_of_online_key(key)) {
        return nullptr;
    }
    auto span = std::make_unique<Span>(event_span(*spans_, *parent, Span::Kind::kServer, "publish", "send", key));
    if (events.size() > 1) {
        span->attributes.emplace_back("messaging.batch.message_count", static_cast<std::int64_t>(events.size()));
    }
    // For the status, when nothing may fail any more.
    span->attributes.reserve(span->attributes.size() + 1);
    return span;
}

void PublicHttp::begin(HttpTicket ticket, pusher::ApiWork work, std::string_view traceparent) {
    if (!fits_into_outbox(work)) {
        respond_api(ticket, pusher::api_error(413, "the event is larger than what may wait for a client"));
        return;
    }
    std::unique_ptr<Span> span = span_of(work.events, traceparent);
    const SharedBytes context = span ? share(to_bytes(span->context)) : nullptr;
    const auto job =
        jobs_.emplace(++last_id_, Job{ticket, std::move(work.queries), std::move(work.plan), reactor_.now()}).first;
    job->second.span = std::move(span);
    job->second.has_events = !work.events.empty();
    job->second.asked_retained = std::move(work.retained);
    job->second.asked_history = std::move(work.history);
    for (pusher::PublishEvent& event : work.events) {
        AppCounters& app = book_.of(app_of_key(event.channels.front()));
        mesh::Publish publish{job->first,
                              std::move(event.channels),
                              share(std::move(event.body)),
                              std::move(event.exclude_socket),
                              event.retained,
                              event.keep_for,
                              mesh::Publish::Answers::kAlways,
                              context,
                              event.copies,
                              {event.copied_from, event.copied},
                              history_of(event.histories)};
        reactor_.counters().http_publishes_total.add();
        // The first event decides: with room for the first event, the rest of the batch waits for room, so that a batch
        // is not torn. Without room nothing of the batch is published.
        if (job->second.awaited > 0) {
            hub_.send(std::move(publish));
        } else if (hub_.offer(std::move(publish)) == Push::kRefused) {
            reactor_.counters().http_publishes_refused_total.add();
            finish(job, pusher::unavailable("the node is overloaded"));
            return;
        }
        app.published_total.add();
        ++job->second.awaited;
    }
    if (work.events.empty()) {
        ask_nodes(job);
    }
}

void PublicHttp::ask_nodes(Jobs::iterator job) {
    for (std::string& query : job->second.queries) {
        mesh::Query message{job->first, std::move(query), kClusterReadTimeout,
                            std::exchange(job->second.asked_retained, {})};
        if (job->second.asked_history) {
            message.history = ask_of(*job->second.asked_history);
        }
        // After published events the answer must not be 503, as the backend would publish again. So only a read may be
        // refused for want of room.
        if (job->second.has_events || job->second.awaited > 0) {
            hub_.send(std::move(message));
        } else if (hub_.offer(std::move(message)) == Push::kRefused) {
            finish(job, pusher::unavailable("the node is overloaded"));
            return;
        }
        ++job->second.awaited;
    }
    if (job->second.queries.empty()) {
        finish(job, answer_of(job->second));
    }
}

HttpResponse PublicHttp::answer_of(const Job& job) const {
    if (job.asked_history && !job.history) {
        return pusher::unavailable("the node is overloaded with questions about histories");
    }
    if (job.asked_history) {
        return pusher::answer_with(pusher::render_history(*job.asked_history, *job.history, !job.missing.empty()),
                                   job.missing);
    }
    pusher::CachedEvent cached;
    if (job.retained) {
        cached = {job.retained->body, job.retained->until - reactor_.now()};
    }
    return pusher::render(job.plan, job.parts, job.missing, &cached);
}

void PublicHttp::finish(Jobs::iterator job, HttpResponse response) {
    if (job->second.has_events) {
        // The turn's time is from before the work of this turn, so the clock is read.
        reactor_.counters().publish_seconds.observe(monotonic_now() - job->second.begun);
    }
    if (response.status == 200) {
        job->second.published.add_copies(response);
    }
    const unsigned status = response.status;
    const std::unique_ptr<Span> span = std::move(job->second.span);
    respond_api(job->second.ticket, std::move(response));
    jobs_.erase(job);
    if (span) {
        span->ended_ns = std::max(span->begun_ns, wall_ns());
        span->is_failed = status >= 500;
        span->attributes.emplace_back("http.response.status_code", static_cast<std::int64_t>(status));
        spans_->add(std::move(*span));
    }
}

PublicHttp::Jobs::iterator PublicHttp::take_answer(std::uint64_t id) {
    const auto job = jobs_.find(id);
    if (job != jobs_.end()) {
        --job->second.awaited;
    }
    return job;
}

void PublicHttp::on_published(const mesh::Published& answer) {
    const auto job = take_answer(answer.id);
    if (job == jobs_.end()) {
        return;
    }
    // The answer comes when all events are answered.
    job->second.published.note(answer);
    if (job->second.awaited > 0) {
        return;
    }
    if (job->second.published.is_accepted()) {
        ask_nodes(job);
        return;
    }
    if (job->second.published.is_put_off()) {
        reactor_.counters().http_publishes_refused_total.add();
    }
    finish(job, job->second.published.refusal());
}

void PublicHttp::on_query_result(const mesh::QueryResult& result) {
    const auto job = take_answer(result.id);
    if (job == jobs_.end()) {
        return;
    }
    Job& state = job->second;
    state.parts.insert(state.parts.end(), result.parts.begin(), result.parts.end());
    state.missing.insert(state.missing.end(), result.missing.begin(), result.missing.end());
    if (!result.retained.empty()) {
        state.retained = result.retained.front().second;
    }
    if (result.history) {
        state.history = findings_of(*result.history);
    }
    if (state.awaited == 0) {
        finish(job, answer_of(state));
    }
}

void PublicHttp::on_status(const mesh::StatusReply& reply) {
    const auto found = status_requests_.find(reply.id);
    if (found == status_requests_.end()) {
        return;
    }
    const HttpTicket ticket = found->second;
    status_requests_.erase(found);
    respond(ticket, demo_.members(reply));
}

}  // namespace tulle::node
