#include "mesh/core/query/queries.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace tulle::mesh {

void Queries::on(Instant now, ShardIndex shard, const Query& query, Effects& out) {
    std::vector<OriginId> ids = context_.sessions().ids();
    if (!query.to.empty()) {
        std::erase_if(ids,
                      [&](OriginId oid) { return std::find(query.to.begin(), query.to.end(), oid) == query.to.end(); });
    }
    // What this node holds takes part in the answer like a peer's.
    QueryTable::Held held;
    for (const std::string& channel : query.retained) {
        held.retained.push_back(std::make_shared<const RetainedPart>(retained_.part(now, channel)));
    }
    if (query.history) {
        held.history = history_.answer(now, *query.history);
    }
    // Without a token the table was full and has answered already.
    if (const auto token = table_.ask(now, shard, query, {ids.begin(), ids.end()}, held, out)) {
        const auto timeout = static_cast<std::uint32_t>(std::clamp<Duration>(query.timeout, 1ms, 60s) / 1ms);
        for (const OriginId oid : ids) {
            context_.send(oid, QueryAsk{*token, query.body, timeout, query.retained, query.history}, out);
        }
    }
}

void Queries::ask(Instant now, std::uint64_t id, const HistoryAsk& history, Effects& out) {
    // Longer than a peer's silence until its verdict, which ends the question too.
    constexpr Duration kPatience = 5s;
    on(now, QueryTable::kHub,
       {.id = id, .body = {}, .timeout = kPatience, .to = context_.sessions().ids(), .history = history}, out);
}

void Queries::on(ShardIndex shard, const LocalAnswer& answer, Effects& out) {
    if (auto forward = table_.on_local_answer(shard, answer, out)) {
        context_.send(forward->to, std::move(forward->answer), out);
    }
}

void Queries::on(Instant now, OriginId from, const QueryAsk& ask, Effects& out) {
    QueryTable::Held held;
    for (const std::string& channel : ask.retained) {
        RetainedPart part = retained_.part(now, channel);
        // A channel without an event adds nothing to the answer.
        if (part.stamp.time_us != 0) {
            held.retained.push_back(std::make_shared<const RetainedPart>(std::move(part)));
        }
    }
    if (ask.history) {
        held.history = history_.answer(now, *ask.history);
    }
    // What the hub holds are the first parts of the answer; the shards' last part ends the answer.
    for (QueryAnswer& answer : table_.on_ask(now, from, ask, held, out)) {
        context_.send(from, std::move(answer), out);
    }
}

}  // namespace tulle::mesh
