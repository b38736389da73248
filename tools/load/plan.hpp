#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/load/stamp.hpp"

namespace tulle::load {

/// Who takes part in a run, and on which channels. Subscriber i has `subscriptions_each` channels in a row from
/// i * subscriptions_each on (beyond the last channel it goes on with the first); publisher p has every stream s with
/// s % publishers == p. The channels that are published to lie evenly among all.
struct Plan {
    std::uint32_t subscribers = 1;
    std::uint32_t publishers = 1;
    std::uint32_t channels = 1;
    std::uint32_t subscriptions_each = 1;
    std::uint32_t published_channels = 1;  ///< at most `channels`
    bool publishers_hear = false;  ///< publishers are subscribed to their channels too, and hear each other there

    /// Streams, numbered from 0: one for each published channel, or for each publisher where there are more of those.
    [[nodiscard]] std::uint32_t streams() const { return std::max(published_channels, publishers); }
    [[nodiscard]] std::uint32_t channel_of(std::uint32_t stream) const {
        return stream % published_channels * (channels / published_channels);
    }
    [[nodiscard]] std::uint32_t streams_per_channel() const {
        return (streams() + published_channels - 1) / published_channels;
    }
    [[nodiscard]] std::uint32_t first_channel(std::uint32_t subscriber) const {
        return static_cast<std::uint32_t>(std::uint64_t{subscriber} * subscriptions_each % channels);
    }
    [[nodiscard]] std::vector<std::uint32_t> streams_of(std::uint32_t publisher) const;

    /// How many receive a message of each stream.
    [[nodiscard]] std::vector<std::uint32_t> audience() const;

    /// Empty when it can be carried out; otherwise what is wrong with it.
    [[nodiscard]] std::string complaint() const;
};

}  // namespace tulle::load
