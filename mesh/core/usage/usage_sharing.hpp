#pragma once

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/usage/usage_table.hpp"

namespace tulle::mesh {

/// Tells every peer how much this node's shards use of each rationed limit, and tells each shard how much all others
/// use. The figures are in a UsageTable.
///
/// Thread: confined to the hub.
/// Limits: the limits of UsageTable.
class UsageSharing {
public:
    explicit UsageSharing(MeshContext& context) : context_(context), table_(context.timing()) {}

    /// Takes in the usage of a shard of this node. Replaces the shard's last word.
    void on(Instant now, ShardIndex shard, const ShareUsage& used) { table_.share(now, shard, used); }
    /// Takes in the usage of a peer. Replaces the peer's last word.
    void on(Instant now, OriginId from, const Usage& usage) { table_.accept(now, from, usage); }
    /// A peer without a session counts no more.
    void session_down(Instant now, OriginId oid) { table_.lose(now, oid); }
    /// Sends the words that are due, at most once per `Timing::usage`.
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
