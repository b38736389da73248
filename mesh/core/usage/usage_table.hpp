#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/time.hpp"
#include "mesh/core/node/messages.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/node/port.hpp"

namespace tulle::mesh {

/// What is used over the whole mesh of what is rationed: each node says once per `usage` what its own shards use, and
/// tells each of them what all the others do.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
/// Loss:   a word that is lost is said again with the next one, as long as there is something to say; that there is
///         nothing any more is said `kLastWords` times, and the end of a session says it too.
/// Limits: kMaxUsageEntries entries of a shard; further ones are not shared.
class UsageTable {
public:
    explicit UsageTable(const Timing& timing) : interval_(timing.usage) {}

    void share(Instant now, ShardIndex shard, ShareUsage usage);
    void accept(Instant now, OriginId from, Usage usage);
    void lose(Instant now, OriginId from);

    struct Out {
        std::optional<Usage> to_members;
        std::vector<std::pair<ShardIndex, ClusterUsage>> to_shards;
    };
    [[nodiscard]] Out on_deadline(Instant now);
    [[nodiscard]] std::optional<Instant> next_deadline() const { return due_at_; }

private:
    static constexpr int kLastWords = 3;
    using Sums = std::map<std::string, std::uint64_t>;

    [[nodiscard]] Usage own() const;
    [[nodiscard]] ClusterUsage others(ShardIndex shard) const;
    void wake(Instant now);

    Duration interval_;
    std::map<ShardIndex, Sums> shards_;
    std::map<ShardIndex, ClusterUsage> told_;
    std::map<OriginId, Usage> members_;
    std::optional<Instant> due_at_;
    Instant done_at_{};
    int words_left_ = 0;
};

}  // namespace tulle::mesh
