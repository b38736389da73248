#include "mesh/core/usage/usage_table.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace tulle::mesh {
namespace {

/// Adds without overflow: a peer may send any number, so the sum stops at the greatest number.
void add(std::uint64_t& sum, std::uint64_t more) {
    sum =
        more > std::numeric_limits<std::uint64_t>::max() - sum ? std::numeric_limits<std::uint64_t>::max() : sum + more;
}

}  // namespace

void UsageTable::wake(Instant now) {
    if (!due_at_) {
        due_at_ = std::max(now, done_at_ + interval_);
    }
}

void UsageTable::share(Instant now, ShardIndex shard, ShareUsage usage) {
    Sums& sums = shards_[shard];
    sums.clear();
    for (auto& [name, used] : usage.entries) {
        // Excess entries and overlong names are dropped without an error.
        if (sums.size() < kMaxUsageEntries && name.size() <= kMaxChannelBytes) {
            add(sums[std::move(name)], used);
        }
    }
    words_left_ = kLastWords;
    wake(now);
}

void UsageTable::accept(Instant now, OriginId from, Usage usage) {
    members_[from] = std::move(usage);
    wake(now);
}

void UsageTable::lose(Instant now, OriginId from) {
    if (members_.erase(from) > 0) {
        wake(now);
    }
}

Usage UsageTable::own() const {
    Sums sums;
    for (const auto& [shard, entries] : shards_) {
        for (const auto& [name, used] : entries) {
            add(sums[name], used);
        }
    }
    return {.sources = shards_.size(), .entries = {sums.begin(), sums.end()}};
}

ClusterUsage UsageTable::others(ShardIndex shard) const {
    Sums sums;
    std::uint64_t sources = shards_.size();
    for (const auto& [other, entries] : shards_) {
        for (const auto& [name, used] : entries) {
            add(sums[name], other == shard ? 0 : used);
        }
    }
    for (const auto& [oid, usage] : members_) {
        sources += usage.sources;
        for (const auto& [name, used] : usage.entries) {
            add(sums[name], used);
        }
    }
    std::erase_if(sums, [](const auto& sum) { return sum.second == 0; });
    return {.sources = sources, .others = {sums.begin(), sums.end()}};
}

UsageTable::Out UsageTable::on_deadline(Instant now) {
    Out out;
    if (!due_at_ || *due_at_ > now) {
        return out;
    }
    done_at_ = now;
    due_at_.reset();
    Usage mine = own();
    if (!mine.entries.empty()) {
        words_left_ = kLastWords;
    }
    // Tells the peers each interval as long as anything is used, and kLastWords times after that.
    if (words_left_ > 0) {
        --words_left_;
        out.to_members = std::move(mine);
        due_at_ = now + interval_;
    }
    for (const auto& [shard, entries] : shards_) {
        ClusterUsage usage = others(shard);
        const auto [told, fresh] = told_.try_emplace(shard);
        if (fresh || told->second.sources != usage.sources || told->second.others != usage.others) {
            told->second = usage;
            out.to_shards.emplace_back(shard, std::move(usage));
        }
    }
    return out;
}

}  // namespace tulle::mesh
