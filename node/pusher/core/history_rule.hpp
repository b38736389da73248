#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/time.hpp"

/// What an app asks of the mesh for some of its channels, beyond the delivery to whoever is subscribed.
namespace tulle::node {

/// The greatest limits that a rule may set for the history of a channel, and the limits when the rule sets none.
inline constexpr std::size_t kMaxHistoryEvents = 10'000;
inline constexpr std::size_t kMaxHistoryEventBytes = 16u << 20;
inline constexpr std::size_t kDefaultHistoryEventBytes = 1u << 20;
inline constexpr Duration kMaxHistoryAge = 24h;
inline constexpr Duration kDefaultHistoryAge = 2min;

/// Most rules of an app.
inline constexpr std::size_t kMaxHistoryRules = 64;
/// Most nodes that may have to hold a message before its publish is answered.
inline constexpr std::size_t kMaxAck = 3;

/// A rule for the channels of an app whose names begin and end so. Of several rules the first that fits holds.
struct HistoryRule {
    /// Empty: every channel.
    std::string channel_name_starts_with;
    /// Empty: every channel. Both conditions must hold.
    std::string channel_name_ends_with;
    /// Nodes that must hold a message before its publish is answered with 200; 1: the asked node alone.
    std::uint8_t ack = 1;
    /// Events that the history of a channel holds, at most kMaxHistoryEvents; 0: the channels have no history.
    std::size_t size = 0;
    /// Memory of the events of a channel on a node that holds them, at most kMaxHistoryEventBytes. The newest event
    /// stays, however large.
    std::size_t bytes = kDefaultHistoryEventBytes;
    /// How long an event is held, at most kMaxHistoryAge.
    Duration ttl = kDefaultHistoryAge;
    friend bool operator==(const HistoryRule&, const HistoryRule&) = default;
};

/// The rule for the channel `name` (bare name); null when no rule fits. Cost: O(rules).
[[nodiscard]] inline const HistoryRule* rule_for(const std::vector<HistoryRule>& rules, std::string_view name) {
    const auto found = std::find_if(rules.begin(), rules.end(), [&name](const HistoryRule& rule) {
        return name.starts_with(rule.channel_name_starts_with) && name.ends_with(rule.channel_name_ends_with);
    });
    return found == rules.end() ? nullptr : &*found;
}

}  // namespace tulle::node
