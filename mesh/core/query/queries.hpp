#pragma once

#include "mesh/core/history/history.hpp"
#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/query/query_table.hpp"
#include "mesh/core/retained/retained.hpp"

namespace tulle::mesh {

/// Asks every shard of every node on behalf of a shard, and answers the questions of peers. The questions under way are
/// in a QueryTable.
///
/// Thread: confined to the hub.
/// Limits: the limits of QueryTable.
class Queries {
public:
    Queries(MeshContext& context, const Retained& retained, const History& history)
        : context_(context), retained_(retained), history_(history), table_(context.limits()) {
        table_.set_names([&context](OriginId oid) { return context.name_of(oid); });
    }

    /// Sets the shards that answer, as a mask: bit i stands for shard i.
    void set_shards(std::uint64_t shards) { table_.set_shards(shards); }
    /// A shard of this node asks. Answers with QueryResult, when all have answered or after the timeout.
    void on(Instant now, ShardIndex shard, const Query& query, Effects& out);
    /// The hub asks for the history of a channel, the peers alone. The answer comes by take_own() with the same id.
    void ask(Instant now, std::uint64_t id, const HistoryAsk& history, Effects& out);
    [[nodiscard]] bool has_own() const { return table_.has_own(); }
    [[nodiscard]] std::vector<QueryResult> take_own() { return table_.take_own(); }
    /// A shard of this node answers a LocalQuery.
    void on(ShardIndex shard, const LocalAnswer& answer, Effects& out);
    /// A peer asks. Sends the retained events and the history asked for at once, and the shards' parts as they come.
    void on(Instant now, OriginId from, const QueryAsk& ask, Effects& out);
    /// A peer answers.
    void on(Instant now, OriginId from, const QueryAnswer& answer, Effects& out) {
        table_.on_answer(now, from, answer, out);
    }
    /// Node `oid` is dead or has left: its answers are no longer awaited, and its questions are dropped.
    void forget(OriginId oid, Effects& out) { table_.member_gone(oid, out); }
    /// Answers questions past their deadline.
    void tick(Instant now, Effects& out) { table_.on_deadline(now, out); }
    [[nodiscard]] std::optional<Instant> next_deadline() const { return table_.next_deadline(); }

private:
    MeshContext& context_;
    const Retained& retained_;
    const History& history_;
    QueryTable table_;
};

}  // namespace tulle::mesh
