#pragma once

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/usage/usage_table.hpp"

namespace tulle::mesh {

/// Tells every peer how much the shards use of each ration of the mesh, and each shard how much all others use. The
/// figures are in a UsageTable.
/// Thread: confined to the hub. Limits: as of UsageTable.
class UsageSharing {
public:
    explicit UsageSharing(MeshContext& context) : context_(context), table_(context.timing()) {}

    void on(Instant now, ShardIndex shard, const ShareUsage& used) { table_.share(now, shard, used); }
    void on(Instant now, OriginId from, const Usage& usage) { table_.accept(now, from, usage); }
    void session_down(Instant now, OriginId oid) { table_.lose(now, oid); }
    void tick(Instant now, Effects& out) {
        UsageTable::Out due = table_.on_deadline(now);
        if (due.to_members) {
            for (const auto& [oid, session] : context_.sessions()) {
                context_.send(oid, *due.to_members, out);
            }
        }
        for (auto& [shard, usage] : due.to_shards) {
            out.push_back(ToPort{shard, std::move(usage)});
        }
    }
    [[nodiscard]] std::optional<Instant> next_deadline() const { return table_.next_deadline(); }

private:
    MeshContext& context_;
    UsageTable table_;
};

}  // namespace tulle::mesh
