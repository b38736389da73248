#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "mesh/base/time.hpp"
#include "node/core/slot.hpp"

namespace tulle::node {

/// A deadline for each slot, in coarse buckets: no timer object and no allocation per connection.
///
/// Every inbound frame moves a deadline further away. Such a move only stores a number: the wheel looks at the slot
/// again when the bucket of the old deadline comes up, and files the slot under the new deadline then.
///
/// Thread: confined to its shard.
/// Time:   `now` must not go backwards. A slot expires at its deadline or up to one tick later, never before.
/// Limits: a deadline beyond the horizon of kBuckets ticks (204.8 s) is kept: the wheel looks at the slot once in a
///         horizon.
class TimerWheel {
public:
    /// The width of a bucket. Time-outs are half a second or longer, so coarse steps are enough.
    static constexpr Duration kTick = 100ms;
    /// The number of buckets. A power of two: the bucket of a tick is a mask.
    static constexpr std::size_t kBuckets = 2048;

    /// `start`: no deadline expires before this instant.
    explicit TimerWheel(Instant start);

    /// Sets or replaces the slot's deadline.
    void arm(Slot slot, Instant deadline);
    /// Removes the slot's deadline.
    void cancel(Slot slot);
    /// Appends the slots with a deadline up to `now` to `expired`, and disarms them.
    void advance(Instant now, std::vector<Slot>& expired);
    /// The instant at which `advance` has a bucket to look at; nothing when no slot is armed. The slots of that bucket
    /// may have later deadlines by then.
    [[nodiscard]] std::optional<Instant> next() const;

private:
    /// The end of a bucket's list.
    static constexpr std::uint32_t kNone = UINT32_MAX;
    static constexpr std::uint64_t kNotFiled = UINT64_MAX;

    /// A slot: its deadline, and its place in the doubly linked list of a bucket.
    struct Entry {
        /// Instant::max(): disarmed.
        Instant deadline = Instant::max();
        /// The tick of the bucket that holds the slot.
        std::uint64_t tick = kNotFiled;
        std::uint32_t previous = kNone;
        std::uint32_t next = kNone;
    };

    [[nodiscard]] std::uint64_t tick_of(Instant deadline) const;
    /// Puts the slot into the bucket of its deadline.
    void file(std::uint32_t index);
    /// Takes the slot out of its bucket.
    void unfile(std::uint32_t index);
    /// Sets the first slot of a bucket, and the bucket's bit in in_use_.
    void set_head(std::uint64_t tick, std::uint32_t index);

    const Instant start_;
    /// Every bucket up to this tick has been looked at.
    std::uint64_t current_ = 0;
    /// The number of slots in buckets.
    std::size_t filed_ = 0;
    std::vector<Entry> entries_;
    /// The first slot of each bucket.
    std::vector<std::uint32_t> heads_;
    /// A bit for each bucket with a slot, so that next() skips 64 empty buckets at a time.
    std::array<std::uint64_t, kBuckets / 64> in_use_{};
};

}  // namespace tulle::node
