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

/// How much the whole mesh uses of each rationed limit. Each node tells its peers once per `Timing::usage` the sums of
/// its own shards, and tells each of its shards the sums of all others.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Errors: a lost word is repeated by the next word, as long as the node uses anything. The end of all usage is told
///         `kLastWords` times, and the end of a session tells it too.
/// Limits: at most kMaxUsageEntries entries for each shard, with names of at most kMaxChannelBytes. Further entries are
///         not shared.
class UsageTable {
public:
    explicit UsageTable(const Timing& timing) : interval_(timing.usage) {}

    /// Replaces the last word of a shard of this node.
    void share(Instant now, ShardIndex shard, ShareUsage usage);
    /// Replaces the last word of a peer.
    void accept(Instant now, OriginId from, Usage usage);
    /// Forgets the word of a peer without a session.
    void lose(Instant now, OriginId from);

    /// The words that are due: to all peers, if any, and to the shards with news.
    struct Out {
        std::optional<Usage> to_members;
        std::vector<std::pair<ShardIndex, ClusterUsage>> to_shards;
    };
    /// The words due by `now`. Empty before next_deadline().
    [[nodiscard]] Out on_deadline(Instant now);
    [[nodiscard]] std::optional<Instant> next_deadline() const { return due_at_; }

private:
    /// How often the end of all usage is told. Three lost messages in a row are unlikely while the session stands.
    static constexpr int kLastWords = 3;
    using Sums = std::map<std::string, std::uint64_t>;

    /// The sums over this node's shards.
    [[nodiscard]] Usage own() const;
    /// The sums over all peers and all other shards of this node.
    [[nodiscard]] ClusterUsage others(ShardIndex shard) const;
    /// Makes words due now, or `interval_` after the last words.
    void wake(Instant now);

    Duration interval_;
    // The last word of each shard.
    std::map<ShardIndex, Sums> shards_;
    // What each shard was told last: a shard without news is not told again.
    std::map<ShardIndex, ClusterUsage> told_;
    // The last word of each peer in session.
    std::map<OriginId, Usage> members_;
    std::optional<Instant> due_at_;
    // The time of the last words.
    Instant done_at_{};
    // Words still to be sent when nothing is used.
    int words_left_ = 0;
};

}  // namespace tulle::mesh
