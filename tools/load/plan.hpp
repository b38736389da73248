#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/load/stamp.hpp"

namespace tulle::load {

/// Says how many connections take part in a run, and on which channels.
///
/// Subscriber i has `subscriptions_each` channels in a row, from channel i * subscriptions_each on; behind the last
/// channel follows the first. Publisher p has every stream s with s % publishers == p. The published channels lie
/// evenly among all channels. Everything but complaint() requires an empty complaint().
struct Plan {
    std::uint32_t subscribers = 1;
    std::uint32_t publishers = 1;
    std::uint32_t channels = 1;
    std::uint32_t subscriptions_each = 1;
    /// At most `channels`.
    std::uint32_t published_channels = 1;
    /// True: publishers are subscribed to their channels too, and hear each other there.
    bool publishers_hear = false;

    /// The number of streams: a stream for each published channel, or for each publisher if there are more publishers.
    /// Streams count from 0.
    [[nodiscard]] std::uint32_t streams() const { return std::max(published_channels, publishers); }
    /// The channel of a stream. With more streams than published channels, several streams share a channel.
    [[nodiscard]] std::uint32_t channel_of(std::uint32_t stream) const {
        return stream % published_channels * (channels / published_channels);
    }
    /// The greatest number of streams on a channel.
    [[nodiscard]] std::uint32_t streams_per_channel() const {
        return (streams() + published_channels - 1) / published_channels;
    }
    /// The first channel of a subscriber.
    [[nodiscard]] std::uint32_t first_channel(std::uint32_t subscriber) const {
        return static_cast<std::uint32_t>(std::uint64_t{subscriber} * subscriptions_each % channels);
    }
    /// The streams of a publisher, in ascending order.
    [[nodiscard]] std::vector<std::uint32_t> streams_of(std::uint32_t publisher) const;

    /// By stream: how many connections receive a message of the stream.
    [[nodiscard]] std::vector<std::uint32_t> audience() const;

    /// Empty for a plan that can be carried out, otherwise the mistake in words.
    [[nodiscard]] std::string complaint() const;
};

}  // namespace tulle::load
