#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "mesh/base/time.hpp"
#include "node/core/slot.hpp"

namespace tulle::node {

/// One deadline for each slot, in coarse buckets: no timer object and no allocation per connection.
///
/// Moving a deadline further away (every inbound frame does) only stores a number: the slot is looked at again when its
/// old bucket comes up.
///
/// Thread: confined to its shard.
/// Time:   `now` must not go backwards. A slot expires at its deadline or up to one tick later, never before.
/// Limits: a deadline beyond the horizon (kBuckets ticks) is kept by looking at its slot again once a horizon.
class TimerWheel {
public:
    static constexpr Duration kTick = 100ms;
    static constexpr std::size_t kBuckets = 2048;

    explicit TimerWheel(Instant start);

    /// Replaces the slot's deadline.
    void arm(Slot slot, Instant deadline);
    void cancel(Slot slot);
    /// Appends the slots whose deadline has come, and disarms them.
    void advance(Instant now, std::vector<Slot>& expired);
    /// When `advance` has something to look at; nothing when no slot is armed.
    [[nodiscard]] std::optional<Instant> next() const;

private:
    static constexpr std::uint32_t kNone = UINT32_MAX;
    static constexpr std::uint64_t kNotFiled = UINT64_MAX;

    struct Entry {
        Instant deadline = Instant::max();  ///< max: disarmed
        std::uint64_t tick = kNotFiled;     ///< the bucket's tick
        std::uint32_t previous = kNone;
        std::uint32_t next = kNone;
    };

    [[nodiscard]] std::uint64_t tick_of(Instant deadline) const;
    void file(std::uint32_t index);
    void unfile(std::uint32_t index);
    void set_head(std::uint64_t tick, std::uint32_t index);

    const Instant start_;
    std::uint64_t current_ = 0;  ///< every bucket up to this tick has been looked at
    std::size_t filed_ = 0;
    std::vector<Entry> entries_;
    std::vector<std::uint32_t> heads_;
    std::array<std::uint64_t, kBuckets / 64> in_use_{};  ///< a bit for each bucket that is not empty
};

}  // namespace tulle::node
