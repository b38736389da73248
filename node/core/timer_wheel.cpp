#include "node/core/timer_wheel.hpp"

#include <algorithm>
#include <bit>

#include "mesh/base/assert.hpp"

namespace tulle::node {

// How the wheel works. Time is divided into ticks since `start_`. A bucket holds the slots with a deadline in a certain
// tick, as a doubly linked list through `entries_`; tick t belongs to bucket t modulo kBuckets. `advance` walks over
// the buckets up to the present tick and empties each. A slot whose deadline has moved on meanwhile is filed again, at
// most a horizon ahead, so no bucket ever holds slots of two rounds.

TimerWheel::TimerWheel(Instant start) : start_(start), heads_(kBuckets, kNone) {
    static_assert(kBuckets % 64 == 0, "every word of in_use_ is used whole");
    static_assert(std::has_single_bit(kBuckets), "the bucket of a tick is a mask, not a division");
}

/// The first tick at which the deadline has passed: within the horizon, and after every tick that has been looked at.
std::uint64_t TimerWheel::tick_of(Instant deadline) const {
    if (deadline <= start_) {
        return current_ + 1;
    }
    // Rounded up: a slot never expires before its deadline.
    const auto ticks = static_cast<std::uint64_t>((deadline - start_ + kTick - Duration{1}) / kTick);
    return std::clamp(ticks, current_ + 1, current_ + kBuckets - 1);
}

void TimerWheel::file(std::uint32_t index) {
    Entry& entry = entries_[index];
    TULLE_ASSERT(entry.tick == kNotFiled);
    entry.tick = tick_of(entry.deadline);
    const std::uint32_t head = heads_[entry.tick % kBuckets];
    entry.previous = kNone;
    entry.next = head;
    if (head != kNone) {
        entries_[head].previous = index;
    }
    set_head(entry.tick, index);
    ++filed_;
}

void TimerWheel::set_head(std::uint64_t tick, std::uint32_t index) {
    const std::uint64_t bucket = tick % kBuckets;
    heads_[bucket] = index;
    const std::uint64_t bit = std::uint64_t{1} << (bucket % 64);
    in_use_[bucket / 64] = index == kNone ? in_use_[bucket / 64] & ~bit : in_use_[bucket / 64] | bit;
}

void TimerWheel::unfile(std::uint32_t index) {
    Entry& entry = entries_[index];
    TULLE_ASSERT(entry.tick != kNotFiled && filed_ > 0);
    if (entry.previous != kNone) {
        entries_[entry.previous].next = entry.next;
    } else {
        set_head(entry.tick, entry.next);
    }
    if (entry.next != kNone) {
        entries_[entry.next].previous = entry.previous;
    }
    entry.tick = kNotFiled;
    --filed_;
}

void TimerWheel::arm(Slot slot, Instant deadline) {
    if (entries_.size() <= slot.value) {
        entries_.resize(slot.value + 1u);
    }
    Entry& entry = entries_[slot.value];
    entry.deadline = deadline;
    if (entry.tick != kNotFiled) {
        // A later deadline stays in the bucket of the earlier deadline: `advance` files the slot again when that bucket
        // comes up.
        if (entry.tick <= tick_of(deadline)) {
            return;
        }
        unfile(slot.value);
    }
    file(slot.value);
}

void TimerWheel::cancel(Slot slot) {
    if (slot.value >= entries_.size()) {
        return;
    }
    entries_[slot.value].deadline = Instant::max();
    if (entries_[slot.value].tick != kNotFiled) {
        unfile(slot.value);
    }
}

void TimerWheel::advance(Instant now, std::vector<Slot>& expired) {
    if (now < start_) {
        return;
    }
    const auto target = static_cast<std::uint64_t>((now - start_) / kTick);
    if (target > current_ + kBuckets) {
        // After a long stop a single round over all buckets is enough.
        current_ = target - kBuckets;
    }
    while (current_ < target) {
        ++current_;
        std::uint32_t index = heads_[current_ % kBuckets];
        while (index != kNone) {
            // Read before unfile changes the links.
            const std::uint32_t following = entries_[index].next;
            unfile(index);
            if (entries_[index].deadline <= now) {
                entries_[index].deadline = Instant::max();
                expired.push_back(Slot{index});
            } else {
                // The deadline has moved on. tick_of is never the present tick, so the slot does not come back into
                // this list.
                file(index);
            }
            index = following;
        }
    }
}

std::optional<Instant> TimerWheel::next() const {
    if (filed_ == 0) {
        return std::nullopt;
    }
    std::uint64_t tick = current_ + 1;
    // The rest of the first word, then word by word: filed_ > 0, so a bit is set somewhere within the round.
    std::uint64_t word = in_use_[tick % kBuckets / 64] >> (tick % 64);
    while (word == 0) {
        tick += 64 - tick % 64;
        word = in_use_[tick % kBuckets / 64];
    }
    tick += static_cast<std::uint64_t>(std::countr_zero(word));
    return start_ + kTick * static_cast<Duration::rep>(tick);
}

}  // namespace tulle::node
