#include "node/admin/admin_questions.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <string_view>
#include <utility>
#include <variant>

#include <spdlog/spdlog.h>

#include "mesh/base/assert.hpp"
#include "node/admin/admin_answers.hpp"
#include "node/admin/edge_counters.hpp"
#include "node/admin/mesh_events.hpp"
#include "node/admin/metrics.hpp"
#include "node/admin/query_parts.hpp"
#include "node/admin/rebalance.hpp"
#include "node/admin/status_json.hpp"
#include "node/core/limits.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/web/core/limits.hpp"

namespace tulle::node {
namespace {

// How long the hub may take for its status. A hub answers within a turn, so a silent second means trouble.
constexpr Duration kHubPatience = 1s;
// How long an order to other nodes waits for their answers.
constexpr Duration kOrderTimeout = 2s;
// A rebalance asks twice, and the HTTP connection of the request must outlive both.
static_assert(2 * (kOrderTimeout + kHubPatience) < kHttpAnswerTimeout);

}  // namespace

NodeFacts AdminQuestions::facts(const mesh::NodeStatus& status) const {
    return {sources_.limits.drain(), sources_.limits.why_not_ready(status.ready), &sources_.apps};
}

Instant AdminQuestions::due_in(Duration timeout) {
    return reactor_.now() + timeout + kHubPatience;
}

template <class Counts>
std::size_t AdminQuestions::count_waiting(Counts counts) const {
    return static_cast<std::size_t>(std::count_if(waiting_.begin(), waiting_.end(),
                                                  [&counts](const auto& each) { return counts(each.second.wanted); }));
}

bool AdminQuestions::is_full() const {
    return count_waiting([](Wanted wanted) { return !is_for_mesh(wanted); }) >= kMaxAdminWaiting;
}

bool AdminQuestions::may_ask_mesh(HttpTicket ticket) {
    const auto waits_for_mesh = [](Wanted wanted) {
        return wanted == Wanted::kDoctor || wanted == Wanted::kTrace || wanted == Wanted::kRebalance ||
               wanted == Wanted::kDrain || wanted == Wanted::kCount || wanted == Wanted::kEdges;
    };
    if (!is_full() && count_waiting(waits_for_mesh) < kMaxAdminQuestions) {
        return true;
    }
    sources_.counters.questions_refused_total.add();
    respond(ticket, admin_refusal(503, "too many questions wait for the mesh"));
    return false;
}

void AdminQuestions::ask_drain(HttpTicket ticket, const DrainOrder& order) {
    if (order.node.empty() || order.node == sources_.name) {
        respond(ticket, drain_response(carry_out(order)));
    } else if (may_ask_mesh(ticket)) {
        const std::uint64_t id = ++last_id_;
        Waiting waiting{Wanted::kDrain, ticket, due_in(kOrderTimeout)};
        waiting.node = order.node;
        ask_hub(id, std::move(waiting), mesh::Query{id, drain_query(order), kOrderTimeout});
    }
}

void AdminQuestions::ask_rebalance(HttpTicket ticket, std::uint64_t rate) {
    if (may_ask_mesh(ticket)) {
        const std::uint64_t id = ++last_id_;
        ask_hub(id, {Wanted::kCount, ticket, due_in(kOrderTimeout), 0, rate},
                mesh::Query{id, std::string(kLoadQuery), kOrderTimeout});
    }
}

void AdminQuestions::ask_edges(HttpTicket ticket, std::string question, Duration timeout, Render render) {
    if (may_ask_mesh(ticket)) {
        const std::uint64_t id = ++last_id_;
        Waiting waiting{Wanted::kEdges, ticket, due_in(timeout)};
        waiting.render = std::move(render);
        ask_hub(id, std::move(waiting), mesh::Query{id, std::move(question), timeout});
    }
}

void AdminQuestions::ask_doctor(HttpTicket ticket, Duration timeout, bool is_brief) {
    if (may_ask_mesh(ticket)) {
        const std::uint64_t id = ++last_id_;
        ask_hub(id, {Wanted::kDoctor, ticket, due_in(timeout)},
                mesh::Query{id, std::string(is_brief ? kBriefReportQuery : kReportQuery), timeout});
    }
}

void AdminQuestions::ask_trace(HttpTicket ticket, const std::string& app, const std::string& channel,
                               Duration timeout) {
    if (may_ask_mesh(ticket)) {
        const std::uint64_t id = ++last_id_;
        ask_hub(id, {Wanted::kTrace, ticket, due_in(timeout), 0, 0, app, channel},
                mesh::Trace{id, channel_key(app, channel), timeout});
    }
}

void AdminQuestions::ask_hub(std::uint64_t id, Waiting waiting, mesh::ToHub question) {
    if (hub_.offer(std::move(question)) == Push::kAccepted) {
        waiting_.emplace(id, std::move(waiting));
    } else {
        give_up(waiting);
    }
}

void AdminQuestions::ask_status(Waiting waiting) {
    if (is_full()) {
        sources_.counters.questions_refused_total.add();
        give_up(waiting);
    } else {
        file_status(std::move(waiting));
    }
}

/// While the hub owes a status, further requests wait for the next status, which is asked for as soon as the owed
/// status comes. So no request is told a status older than the request, and the hub is asked once a turn whatever the
/// number of requests.
void AdminQuestions::file_status(Waiting waiting) {
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

void AdminQuestions::ask_next_status() {
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

std::string AdminQuestions::metrics(const mesh::NodeStatus* status) {
    AppSumsById sums;
    sources_.app_sums(sums);
    return render_metrics(
        {sources_.shards, sources_.reloads, sources_.counters, sources_.redis, sources_.limits.drain()},
        labels_.take(sums), status);
}

void AdminQuestions::give_up(const Waiting& waiting) {
    if (is_for_mesh(waiting.wanted)) {
        hub_.send(mesh::LocalAnswer{waiting.token, {}, true});
    } else if (waiting.wanted == Wanted::kMetrics) {
        respond(waiting.ticket, admin_answer(200, kAdminMetrics, metrics(nullptr)));
    } else {
        respond(waiting.ticket, admin_refusal(503, "the mesh does not answer"));
    }
}

void AdminQuestions::give_up_guarded(const Waiting& waiting) {
    try {
        give_up(waiting);
    } catch (const std::exception& error) {
        Connection* connection = is_for_mesh(waiting.wanted) ? nullptr : reactor_.find(waiting.ticket.slot);
        if (connection != nullptr) {
            reactor_.fail(*connection, error);
        } else {
            reactor_.count_failure(error);
        }
    }
}

void AdminQuestions::take(const mesh::ToShard& message) {
    if (const auto* reply = std::get_if<mesh::StatusReply>(&message)) {
        // First the question for the requests that came later, then the answers: a failing answer must not keep the
        // question back.
        ask_next_status();
        answer_with(reply->id, reply->status);
    } else if (const auto* result = std::get_if<mesh::QueryResult>(&message)) {
        answer_with(result->id, *result);
    } else if (const auto* trace = std::get_if<mesh::TraceResult>(&message)) {
        answer_with(trace->id, *trace);
    } else if (const auto* query = std::get_if<mesh::LocalQuery>(&message)) {
        answer_query(*query);
    }
}

void AdminQuestions::answer_query(const mesh::LocalQuery& query) {
    if (query.body == kReportQuery || query.body == kBriefReportQuery) {
        Waiting waiting{Wanted::kReport, {}, due_in({}), query.token};
        waiting.is_brief = query.body == kBriefReportQuery;
        file_status(std::move(waiting));
    } else if (query.body == kLoadQuery) {
        hub_.send(mesh::LocalAnswer{query.token, render_load(sources_.name, load()), true});
    } else if (const std::optional<MeshEventsQuery> events = decode_mesh_events_query(query.body)) {
        send_parts(query.token, render_own_events(sources_.name, sources_.events.latest(events->limit, events->kind),
                                                  mesh::kMaxQueryPartBytes));
    } else if (const std::optional<RebalanceOrder> rebalance = parse_rebalance_query(query.body)) {
        take_rebalance(query.token, *rebalance);
    } else if (const std::optional<DrainOrder> order = parse_drain_query(query.body);
               order && order->node == sources_.name) {
        spdlog::info("admin: another node has asked for a {}", order->drains ? "drain" : "drain to be called off");
        hub_.send(mesh::LocalAnswer{query.token, carry_out(*order).json, true});
    } else {
        hub_.send(mesh::LocalAnswer{query.token, {}, true});
    }
}

void AdminQuestions::send_parts(std::uint64_t token, std::vector<std::string> parts) {
    TULLE_ASSERT(!parts.empty());
    for (std::size_t i = 0; i < parts.size(); ++i) {
        hub_.send(mesh::LocalAnswer{token, std::move(parts[i]), i + 1 == parts.size()});
    }
}

template <class Reply>
void AdminQuestions::answer_with(std::uint64_t id, const Reply& reply) {
    for (auto found = waiting_.extract(id); found; found = waiting_.extract(id)) {
        finish(found.mapped(), reply);
    }
}

/// Answers metrics, status, or another node's doctor.
void AdminQuestions::finish(const Waiting& waiting, const mesh::NodeStatus& status) {
    if (waiting.wanted == Wanted::kMetrics) {
        respond(waiting.ticket, admin_answer(200, kAdminMetrics, metrics(&status)));
    } else if (waiting.wanted == Wanted::kStatus) {
        respond(waiting.ticket,
                admin_answer(200, kAdminJson, render_status(status, sources_.shards, sources_.redis, facts(status))));
    } else {
        NodeFacts told = facts(status);
        told.counters = edge_counters(sources_.shards);
        told.apps = waiting.is_brief ? nullptr : told.apps;
        send_parts(waiting.token, render_report(status, sources_.redis, mesh::kMaxQueryPartBytes, told));
    }
}

void AdminQuestions::finish(const Waiting& waiting, const mesh::QueryResult& result) {
    if (waiting.wanted == Wanted::kDrain) {
        respond(waiting.ticket, drain_response(waiting, result));
    } else if (waiting.wanted == Wanted::kCount) {
        order_rebalance(waiting, result);
    } else if (waiting.wanted == Wanted::kRebalance) {
        respond(waiting.ticket, admin_answer(200, kAdminJson, render_rebalance(result)));
    } else if (waiting.wanted == Wanted::kEdges) {
        respond(waiting.ticket, waiting.render(result));
    } else {
        respond(waiting.ticket, admin_answer(200, kAdminJson, render_doctor(result)));
    }
}

HttpResponse AdminQuestions::drain_response(const Waiting& waiting, const mesh::QueryResult& result) {
    if (const std::optional<DrainAnswer> answer = find_drain_answer(result)) {
        return drain_response(*answer);
    }
    if (std::find(result.missing.begin(), result.missing.end(), waiting.node) != result.missing.end()) {
        return admin_refusal(503, "no answer has come from " + waiting.node + ", which may still carry the order out");
    }
    return admin_refusal(404, "no node of this name answers");
}

HttpResponse AdminQuestions::drain_response(const DrainAnswer& answer) {
    return answer.is_taken ? admin_answer(202, kAdminJson, answer.json) : admin_refusal(503, "the node is stopping");
}

DrainAnswer AdminQuestions::carry_out(const DrainOrder& order) const {
    const DrainState before = sources_.limits.drain();
    const bool is_taken = is_drain_order_taken(order.drains, before, sources_.limits.stops());
    if (is_taken) {
        sources_.ask_drain(order.drains);
    }
    return {render_drain_answer(sources_.name, before, is_taken), is_taken};
}

NodeLoad AdminQuestions::load() const {
    const std::uint64_t clients = sum_of(sources_.shards, &ShardCounters::clients);
    // The connections of servers by the protocol of Redis are few, and no load to balance.
    std::uint64_t servers = 0;
    if (sources_.redis) {
        for (const RedisRealmView& realm : sources_.redis->realms) {
            servers += sum_of(realm, &redis::RealmCounters::clients);
        }
    }
    return {clients - std::min(clients, servers), sources_.limits.takes_clients()};
}

void AdminQuestions::order_rebalance(const Waiting& waiting, const mesh::QueryResult& result) {
    if (!result.missing.empty()) {
        respond(waiting.ticket,
                admin_refusal(503, "no client is moved, as no answer has come from " + missing_text(result)));
        return;
    }
    const std::vector<NodeLoad> loads = parse_loads(result);
    const std::uint64_t id = ++last_id_;
    ask_hub(id, {Wanted::kRebalance, waiting.ticket, due_in(kOrderTimeout)},
            mesh::Query{id, rebalance_query({waiting.rate, mean_of(loads)}), kOrderTimeout});
}

void AdminQuestions::take_rebalance(std::uint64_t token, const RebalanceOrder& order) {
    const NodeLoad mine = load();
    // A node that drains closes its clients anyway.
    const std::uint64_t moves =
        sources_.limits.drain() == DrainState::kServing ? rebalance_moves(mine.clients, order.mean) : 0;
    if (moves > 0) {
        spdlog::info(
            "rebalancing: {} of {} clients are closed, {} a second at most, as the mean of the nodes that take"
            " clients is {}",
            moves, mine.clients, order.rate, order.mean);
        sources_.move_some(moves, std::chrono::milliseconds(moves * 1'000 / order.rate));
    }
    hub_.send(mesh::LocalAnswer{token, render_rebalance_share(sources_.name, mine, order.mean, moves), true});
}

void AdminQuestions::finish(const Waiting& waiting, const mesh::TraceResult& result) {
    switch (result.outcome) {
        case mesh::TraceOutcome::kSent:
            respond(waiting.ticket, admin_answer(200, kAdminJson, render_trace(result, waiting.app, waiting.channel)));
            break;
        case mesh::TraceOutcome::kNotReady:
            respond(waiting.ticket, admin_refusal(503, "this node does not accept messages now"));
            break;
        case mesh::TraceOutcome::kTooMany:
            respond(waiting.ticket, admin_refusal(429, "too many traces are under way"));
            break;
        case mesh::TraceOutcome::kBadChannel:
            respond(waiting.ticket, admin_refusal(400, "channel must be the name of a channel"));
            break;
    }
}

void AdminQuestions::end_turn() {
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

}  // namespace tulle::node
