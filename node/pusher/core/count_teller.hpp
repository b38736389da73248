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

/// Tell the subscribers of a channel how many they are.
struct TellCount {
    std::string key;
    std::uint64_t count = 0;
    friend bool operator==(const TellCount&, const TellCount&) = default;
};

/// When the subscribers of a channel are told how many they are: up to kEagerSubscribers at each change, above at most
/// once in kCountInterval.
///
/// Thread: confined to its owner.
/// Time:   `now` is an argument and must not go backwards.
/// Limits: an entry for each channel told of in the last kCountInterval.
/// Errors: none. A number may be told twice when it has not changed for longer.
class CountTeller {
public:
    void on_count(Instant now, std::string_view key, std::uint64_t count, std::vector<TellCount>& out);
    void on_deadline(Instant now, std::vector<TellCount>& out);
    [[nodiscard]] std::optional<Instant> next_deadline() const;

private:
    struct Entry {
        std::uint64_t told = 0;
        Instant told_at{};
        std::optional<std::uint64_t> waiting;
    };

    void touch(Instant now, const std::string& key, Entry& entry);

    std::map<std::string, Entry, std::less<>> entries_;
    std::set<std::pair<Instant, std::string>> due_;  ///< of each entry, kCountInterval after it was last told
};

}  // namespace tulle::node
