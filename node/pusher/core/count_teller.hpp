#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/time.hpp"

namespace tulle::node {

/// Effect: tell the subscribers of the channel `key` the number of subscribers.
struct TellCount {
    std::string key;
    std::uint64_t count = 0;
    friend bool operator==(const TellCount&, const TellCount&) = default;
};

/// Decides when the subscribers of a channel are told how many they are. Up to kEagerSubscribers, each change is told
/// at once. Above, a number is told at most once in kCountInterval, so that a crowded channel does not cause an event
/// for each of thousands of subscribers at each change.
///
/// Thread: confined to its owner.
/// Time:   `now` is an argument and must not go backwards.
/// Order:  `out` is only appended to.
/// Limits: holds an entry for each channel with a telling in the last kCountInterval; the entry is dropped afterwards.
/// Errors: none. An unchanged number is told again when the last telling is older than kCountInterval.
class CountTeller {
public:
    /// The channel `key` has `count` subscribers in the whole mesh. A count of 0 is never told: nobody is there to
    /// listen.
    void on_count(Instant now, std::string_view key, std::uint64_t count, std::vector<TellCount>& out);
    /// Tells the numbers that have waited for kCountInterval. To be called when next_deadline() has come; an earlier
    /// call does nothing.
    void on_deadline(Instant now, std::vector<TellCount>& out);
    /// When on_deadline() is due next; nothing when no channel has an entry.
    [[nodiscard]] std::optional<Instant> next_deadline() const;

private:
    /// The state of a channel that was told a number in the last kCountInterval.
    struct Entry {
        std::uint64_t told = 0;
        Instant told_at{};
        /// A newer number, to be told when kCountInterval is over.
        std::optional<std::uint64_t> waiting;
    };

    /// Notes that the channel was told a number at `now`, and moves its place in `due_`.
    void touch(Instant now, const std::string& key, Entry& entry);

    std::map<std::string, Entry, std::less<>> entries_;
    /// When kCountInterval after the last telling ends, for each entry.
    std::set<std::pair<Instant, std::string>> due_;
};

}  // namespace tulle::node
