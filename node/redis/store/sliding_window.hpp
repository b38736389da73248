#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/redis/core/limits.hpp"

namespace tulle::node::redis {

/// The hits of a limiter in a window that ends now, packed into the value of a key.
///
/// A hit has a time, which the caller tells by its own clock, and a member, by which a hit that is sent again is known.
/// While the window holds at most kMaxWindowHits hits, all of them are kept as they are. When there are more, the
/// latest kKeptWindowHits are kept, and older ones are counted together by slots of a 1/kWindowSlots part of the
/// window: a slot has the time of its latest hit, so that a hit counts up to one slot longer than it should, never
/// shorter; and a member in a slot is not known any more, so that the hit counts anew. A limit is never exceeded by
/// either.
///
/// Thread: none of its own; the owner's.
/// Time:   milliseconds of the callers' clocks, which may differ and go back: hits are kept by their times in order.
/// Cost:   O(kMaxWindowHits + kMaxWindowSlots) for each function.
/// Memory: kMaxWindowBytes packed.
/// Errors: none; read() refuses what packed() cannot have written.
class SlidingWindow {
public:
    /// The latest time that a hit may have: what a double tells exactly, as in Redis; the year 287396.
    static constexpr std::uint64_t kLatestMs = std::uint64_t{1} << 53;

    /// Nothing: the value is none of packed().
    [[nodiscard]] static std::optional<SlidingWindow> read(std::string_view value);
    /// Equal on every machine.
    [[nodiscard]] std::string packed() const;

    /// Forgets the hits up to that time, which may be negative.
    void forget_until(std::int64_t time_ms);
    /// At least the number of hits.
    [[nodiscard]] std::int64_t count() const;
    /// Whether the member's hit is there; false also for one that is only counted in a slot.
    [[nodiscard]] bool has(std::string_view member) const;
    /// REQUIRES: now_ms <= kLatestMs, window_ms > 0.
    void add(std::uint64_t now_ms, std::string_view member, std::uint64_t window_ms);
    /// How far the time of the latest hit is ahead of the caller's clock; 0: not at all.
    [[nodiscard]] std::uint64_t ahead_ms(std::uint64_t now_ms) const;

private:
    struct Hit {
        std::uint64_t time_ms = 0;
        /// stable_hash() of the member. Whoever can choose members that collide is a client of the realm, who can
        /// delete the key as well.
        std::uint64_t member = 0;
    };
    struct Slot {
        /// Of the latest hit.
        std::uint64_t time_ms = 0;
        std::uint64_t hits = 0;
    };

    /// Counts older hits by slots.
    void merge(std::uint64_t window_ms);

    /// Each by time, the oldest first.
    std::vector<Slot> slots_;
    std::vector<Hit> hits_;
};

}  // namespace tulle::node::redis
