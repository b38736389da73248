#include "mesh/core/query/query_table.hpp"

#include <algorithm>
#include <utility>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/node/port.hpp"

namespace tulle::mesh {

static_assert(Limits{}.queries_per_peer < Limits{}.queries, "one peer does not take the place of all others");
// The largest part fits into the answer.
static_assert(kMaxQueryPartBytes <= Limits{}.query_bytes);

std::optional<std::uint64_t> QueryTable::ask(Instant now, ShardIndex shard, const Query& query,
                                             const std::set<OriginId>& members, const Held& held, Effects& out) {
    Pending pending{
        .asker = shard, .asker_id = query.id, .waiting = {}, .history = {}, .deadline = now + query.timeout};
    if (is_full(query)) {
        // The table is full: answer at once, and name every node as missing.
        QueryResult result{.id = query.id, .parts = {}, .missing = {}};
        for (const OriginId oid : members) {
            result.missing.push_back(name_of_(oid));
        }
        result.missing.push_back(name_of_(OriginId{}));
        tell(shard, std::move(result), out);
        return std::nullopt;
    }
    for (const OriginId oid : members) {
        pending.waiting.emplace(oid, PartNumbers(most_parts()));
    }
    for (const std::string& channel : query.retained) {
        pending.retained.try_emplace(channel);
    }
    for (const RetainedPartPtr& part : held.retained) {
        take(now, pending, *part);
    }
    if (query.history) {
        pending.history.emplace(*query.history);
        for (const HistoryPartPtr& part : held.history) {
            pending.history->add(*part);
        }
    }
    if (query.to.empty()) {
        return begin(std::move(pending), query.body, out);
    }
    for (const OriginId oid : query.to) {
        if (!pending.waiting.contains(oid)) {
            pending.missing.insert(oid);
        }
    }
    const std::uint64_t token = enter(std::move(pending));
    finish_if_done(pending_.find(token), out);
    return token;
}

void QueryTable::tell(ShardIndex asker, QueryResult result, Effects& out) {
    if (asker == kHub) {
        own_.push_back(std::move(result));
    } else {
        out.push_back(ToPort{asker, std::move(result)});
    }
}

bool QueryTable::is_full(const Query& query) const {
    const auto reads = [](const auto& pending) { return pending.second.history.has_value(); };
    return pending_.size() >= limits_.queries ||
           (query.history &&
            static_cast<std::size_t>(std::count_if(pending_.begin(), pending_.end(), reads)) >= limits_.history_reads);
}

void QueryTable::take(Instant now, Pending& pending, const RetainedPart& part) {
    const auto asked = pending.retained.find(part.channel);
    if (asked != pending.retained.end() && asked->second.stamp < part.stamp) {
        asked->second = {part.stamp, part.body, now + part.left};
    }
}

std::vector<QueryAnswer> QueryTable::on_ask(Instant now, OriginId from, const QueryAsk& ask, const Held& held,
                                            Effects& out) {
    const auto asked =
        std::count_if(pending_.begin(), pending_.end(), [&](const auto& p) { return p.second.remote == from; });
    // The question is dropped. A refusal has no message of its own, and the asker's deadline ends the question.
    if (pending_.size() >= limits_.queries || static_cast<std::size_t>(asked) >= limits_.queries_per_peer) {
        return {};
    }
    std::vector<QueryAnswer> answers;
    for (const RetainedPartPtr& part : held.retained) {
        const auto number = static_cast<std::uint32_t>(answers.size() + 1);
        answers.push_back({.id = ask.id, .body = {}, .retained = part, .part = number});
    }
    for (const HistoryPartPtr& part : held.history) {
        const auto number = static_cast<std::uint32_t>(answers.size() + 1);
        answers.push_back({.id = ask.id, .body = {}, .part = number, .history = part});
    }
    begin({.asker_id = ask.id,
           .remote = from,
           .sent = static_cast<std::uint32_t>(answers.size()),
           .history = {},
           .deadline = now + std::chrono::milliseconds{ask.timeout_ms}},
          ask.body, out);
    return answers;
}

std::uint64_t QueryTable::enter(Pending pending) {
    pending_.emplace(++last_token_, std::move(pending));
    return last_token_;
}

std::uint64_t QueryTable::begin(Pending pending, const std::string& body, Effects& out) {
    pending.waiting_shards = shards_;
    const std::uint64_t token = enter(std::move(pending));
    for (std::uint16_t i = 0; i < kMaxShards; ++i) {
        if ((shards_ >> i) & 1) {
            out.push_back(ToPort{ShardIndex{i}, LocalQuery{token, body}});
        }
    }
    return token;
}

std::optional<QueryTable::Forward> QueryTable::on_local_answer(ShardIndex shard, LocalAnswer answer, Effects& out) {
    TULLE_ASSERT(shard.value < kMaxShards);
    const auto it = pending_.find(answer.token);
    if (it == pending_.end()) {
        return std::nullopt;
    }
    Pending& pending = it->second;
    if (answer.last) {
        pending.waiting_shards &= ~(std::uint64_t{1} << shard.value);
    }
    // A peer's question: each part is forwarded at once, without gathering. Empty parts are left out, except the last.
    if (pending.remote != OriginId{}) {
        const bool last = pending.waiting_shards == 0;
        if (!last && answer.body.empty()) {
            return std::nullopt;
        }
        Forward forward{pending.remote, {pending.asker_id, std::move(answer.body), last, {}, ++pending.sent}};
        if (last) {
            pending_.erase(it);
        }
        return forward;
    }
    if (!answer.body.empty() && !add(pending, std::move(answer.body))) {
        // Too much from this node's own shards: the result names this node as missing.
        pending.incomplete = true;
    }
    finish_if_done(it, out);
    return std::nullopt;
}

bool QueryTable::add(Pending& pending, std::string part) const {
    // An empty part adds nothing, but tells whether a further part would fit.
    if (part.empty()) {
        return pending.parts.size() < limits_.query_parts;
    }
    if (pending.parts.size() >= limits_.query_parts || pending.bytes + part.size() > limits_.query_bytes) {
        return false;
    }
    TULLE_ASSERT(pending.bytes <= limits_.query_bytes);
    pending.bytes += part.size();
    pending.parts.push_back(std::move(part));
    return true;
}

void QueryTable::on_answer(Instant now, OriginId from, QueryAnswer answer, Effects& out) {
    const auto it = pending_.find(answer.id);
    if (it == pending_.end()) {
        return;
    }
    Pending& pending = it->second;
    const auto waiting = pending.waiting.find(from);
    // A part that comes twice must not count twice.
    if (waiting == pending.waiting.end() || (answer.part != 0 && !waiting->second.note(answer.part, answer.last))) {
        return;
    }
    if (answer.retained) {
        take(now, pending, *answer.retained);
    }
    if (answer.history && pending.history) {
        pending.history->add(*answer.history);
        pending.told_history.insert(from);
    }
    // A node with more than allowed counts as missing, and the rest of its answer is ignored.
    const bool full = !add(pending, std::move(answer.body));
    if (full) {
        pending.missing.insert(from);
    }
    const bool is_whole = answer.part == 0 ? answer.last : waiting->second.is_complete();
    if (is_whole && pending.history && !pending.told_history.contains(from)) {
        // A node of an older build knows no histories.
        pending.missing.insert(from);
    }
    if (is_whole || full) {
        pending.waiting.erase(waiting);
    }
    finish_if_done(it, out);
}

void QueryTable::member_gone(OriginId oid, Effects& out) {
    for (auto it = pending_.begin(); it != pending_.end();) {
        const auto current = it++;
        if (current->second.remote == oid) {
            pending_.erase(current);
        } else if (current->second.waiting.erase(oid) > 0) {
            current->second.missing.insert(oid);
            finish_if_done(current, out);
        }
    }
}

void QueryTable::on_deadline(Instant now, Effects& out) {
    for (auto it = pending_.begin(); it != pending_.end();) {
        const auto current = it++;
        if (current->second.deadline <= now) {
            for (const auto& [oid, parts] : current->second.waiting) {
                current->second.missing.insert(oid);
            }
            finish(current, out);
        }
    }
}

std::optional<Instant> QueryTable::next_deadline() const {
    const auto first = std::min_element(pending_.begin(), pending_.end(), [](const auto& a, const auto& b) {
        return a.second.deadline < b.second.deadline;
    });
    return first == pending_.end() ? std::nullopt : std::optional(first->second.deadline);
}

void QueryTable::finish_if_done(std::map<std::uint64_t, Pending>::iterator it, Effects& out) {
    if (it->second.waiting.empty() && it->second.waiting_shards == 0) {
        finish(it, out);
    }
}

void QueryTable::finish(std::map<std::uint64_t, Pending>::iterator it, Effects& out) {
    Pending& pending = it->second;
    // Only the asker's own node asks the other nodes.
    TULLE_ASSERT(pending.remote == OriginId{} || pending.waiting.empty());
    if (pending.remote == OriginId{}) {
        QueryResult result{.id = pending.asker_id, .parts = std::move(pending.parts), .missing = {}};
        for (const OriginId oid : pending.missing) {
            result.missing.push_back(name_of_(oid));
        }
        if (pending.waiting_shards != 0 || pending.incomplete) {
            result.missing.push_back(name_of_(OriginId{}));
        }
        for (auto& [channel, event] : pending.retained) {
            if (event.stamp.time_us != 0) {
                result.retained.emplace_back(channel, std::move(event));
            }
        }
        if (pending.history) {
            result.history = pending.history->take();
            // A claim may be about entries in a piece that has not come.
            result.history->whole_since_us = result.missing.empty() ? result.history->whole_since_us : kNeverWhole;
        }
        tell(pending.asker, std::move(result), out);
    }
    pending_.erase(it);
}

}  // namespace tulle::mesh
