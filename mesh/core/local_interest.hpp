#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mesh/base/hash.hpp"
#include "mesh/core/interest_log.hpp"
#include "mesh/core/port.hpp"

namespace tulle::mesh {

/// Which shards of this node have subscribers of a channel, and since which version the peers are told so.
/// Thread: confined to the hub.
class LocalInterest {
public:
    explicit LocalInterest(const Limits& limits) : log_(limits) {}

    /// The version that must be acknowledged before the subscription is confirmed. Idempotent per shard.
    InterestVersion add(ShardIndex shard, const std::string& channel) {
        Entry& entry = entries_[channel];
        if (entry.shards == 0) {
            entry.since = log_.add(channel);
        }
        entry.shards |= bit(shard);
        return entry.since;
    }

    void remove(ShardIndex shard, const std::string& channel) {
        const auto found = entries_.find(channel);
        if (found == entries_.end()) {
            return;
        }
        found->second.shards &= ~bit(shard);
        if (found->second.shards == 0) {
            log_.remove(channel);
            entries_.erase(found);
        }
    }

    /// The shards that have subscribers of any channel of `record`, as a mask.
    [[nodiscard]] std::uint64_t shards_of(const Record& record) const {
        std::uint64_t shards = 0;
        for (const std::string& channel : record.channels) {
            shards |= shards_of(channel);
        }
        return shards;
    }

    [[nodiscard]] std::uint64_t shards_of(const std::string& channel) const {
        const auto found = entries_.find(channel);
        return found == entries_.end() ? 0 : found->second.shards;
    }

    /// The version that brought our present interest in `channel`; nothing without any.
    [[nodiscard]] std::optional<InterestVersion> since(const std::string& channel) const {
        const auto found = entries_.find(channel);
        return found == entries_.end() ? std::nullopt : std::optional(found->second.since);
    }

    [[nodiscard]] const InterestLog& log() const { return log_; }

private:
    struct Entry {
        std::uint64_t shards = 0;
        InterestVersion since;
    };

    static std::uint64_t bit(ShardIndex shard) { return std::uint64_t{1} << shard.value; }

    InterestLog log_;
    StringMap<Entry> entries_;
};

}  // namespace tulle::mesh
