#pragma once

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/query/query_table.hpp"
#include "mesh/core/retained/retained.hpp"

namespace tulle::mesh {

/// Questions to every shard of every node. What is under way is in a QueryTable.
/// Thread: confined to the hub. Limits: as of QueryTable.
class Queries {
public:
    Queries(MeshContext& context, const Retained& retained)
        : context_(context), retained_(retained), table_(context.limits()) {
        table_.set_names([&context](OriginId oid) { return context.name_of(oid); });
    }

    /// The shards that exist, as a mask.
    void set_shards(std::uint64_t shards) { table_.set_shards(shards); }
    void on(Instant now, ShardIndex shard, const Query& query, Effects& out);
    void on(ShardIndex shard, const LocalAnswer& answer, Effects& out);
    void on(Instant now, OriginId from, const QueryAsk& ask, Effects& out);
    void on(Instant now, OriginId from, const QueryAnswer& answer, Effects& out) {
        table_.on_answer(now, from, answer, out);
    }
    /// The node is dead or has left: nobody waits for it any longer.
    void forget(OriginId oid, Effects& out) { table_.member_gone(oid, out); }
    void tick(Instant now, Effects& out) { table_.on_deadline(now, out); }
    [[nodiscard]] std::optional<Instant> next_deadline() const { return table_.next_deadline(); }

private:
    MeshContext& context_;
    const Retained& retained_;
    QueryTable table_;
};

}  // namespace tulle::mesh
