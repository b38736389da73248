#include "node/admin/admin_questions.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <string_view>
#include <utility>
#include <variant>

#include <spdlog/spdlog.h>

#include "node/admin/admin_answers.hpp"
#include "node/admin/metrics.hpp"
#include "node/admin/rebalance.hpp"
#include "node/admin/status_json.hpp"
#include "node/core/limits.hpp"
#include "node/pusher/core/channel_name.hpp"

namespace tulle::node {
namespace {

// How long the hub may take for its status. A hub answers within a turn, so a silent second means trouble.
constexpr Duration kHubPatience = 1s;
// How long an order to rebalance waits for the answers of all nodes.
constexpr Duration kRebalanceTimeout = 2s;

}  // namespace

std::string AdminQuestions::metrics(const mesh::NodeStatus* status) const {
    return render_metrics(sources_.shards, sources_.reloads, sources_.counters, sources_.redis, status,
                          sources_.limits.drain());
}

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
        return wanted == Wanted::kDoctor || wanted == Wanted::kTrace || wanted == Wanted::kRebalance;
    };
    if (!is_full() && count_waiting(waits_for_mesh) < kMaxAdminQuestions) {
        return true;
    }
    sources_.counters.questions_refused_total.add();
    respond(ticket, admin_refusal(503, "too many questions wait for the mesh"));
    return false;
}

void AdminQuestions::ask_rebalance(HttpTicket ticket, std::uint64_t rate) {
    if (may_ask_mesh(ticket)) {
        const std::uint64_t id = ++last_id_;
        ask_hub(id, {Wanted::kRebalance, ticket, due_in(kRebalanceTimeout)},
                mesh::Query{id, rebalance_query(rate), kRebalanceTimeout});
    }
}

void AdminQuestions::ask_doctor(HttpTicket ticket, Duration timeout) {
    if (may_ask_mesh(ticket)) {
        const std::uint64_t id = ++last_id_;
        ask_hub(id, {Wanted::kDoctor, ticket, due_in(timeout)}, mesh::Query{id, std::string(kReportQuery), timeout});
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
    if (query.body == kReportQuery) {
        file_status({Wanted::kReport, {}, due_in({}), query.token});
    } else if (const std::optional<std::uint64_t> rate = parse_rebalance_query(query.body)) {
        file_status({Wanted::kShare, {}, due_in({}), query.token, *rate});
    } else {
        hub_.send(mesh::LocalAnswer{query.token, {}, true});
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
    } else if (waiting.wanted == Wanted::kShare) {
        answer_share(waiting, status);
    } else {
        // The report goes to the hub in parts, with the last part marked.
        std::vector<std::string> parts = render_report(status, sources_.redis, mesh::kMaxQueryPartBytes, facts(status));
        for (std::size_t i = 0; i < parts.size(); ++i) {
            hub_.send(mesh::LocalAnswer{waiting.token, std::move(parts[i]), i + 1 == parts.size()});
        }
    }
}

void AdminQuestions::finish(const Waiting& waiting, const mesh::QueryResult& result) {
    const bool is_rebalance = waiting.wanted == Wanted::kRebalance;
    respond(waiting.ticket,
            admin_answer(200, kAdminJson, is_rebalance ? render_rebalance(result) : render_doctor(result)));
}

void AdminQuestions::answer_share(const Waiting& waiting, const mesh::NodeStatus& status) {
    RebalanceShare share = rebalance_share(status);
    // A node that drains closes its clients anyway.
    share.moves = sources_.limits.drain() == DrainState::kServing ? share.moves : 0;
    if (share.moves > 0) {
        spdlog::info("rebalancing: {} of {} clients are closed, {} a second at most, as the mean of all nodes is {}",
                     share.moves, share.clients, waiting.rate, share.mean);
        sources_.move_some(share.moves, std::chrono::milliseconds(share.moves * 1'000 / waiting.rate));
    }
    hub_.send(mesh::LocalAnswer{waiting.token, render_rebalance_share(status, share), true});
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
