#pragma once

#include <algorithm>
#include <cstdint>

#include "mesh/base/time.hpp"

namespace tulle::mesh {

/// Stamps that follow the wall clock, never repeat, and are later than every stamp seen before (after Kulkarni et al.,
/// Logical Physical Clocks, 2014). Once two nodes have exchanged a heartbeat, the one that is behind runs with the
/// other: an event accepted after another was answered bears the later stamp, but for the time a message takes between
/// the two.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
class HybridClock {
public:
    /// `wall_offset_us`: the wall clock less the monotonic one.
    explicit HybridClock(std::int64_t wall_offset_us) : offset_us_(wall_offset_us) {}

    /// Another than every one before.
    [[nodiscard]] std::uint64_t stamp(Instant now) {
        last_ = std::max(last_ + 1, read(now));
        return last_;
    }
    [[nodiscard]] std::uint64_t read(Instant now) const {
        return static_cast<std::uint64_t>(std::max<std::int64_t>(1, now.time_since_epoch() / 1us + offset_us_));
    }
    /// The clock follows no time from kLatest on: such a time is no clock's. The bound is half of what the wire takes
    /// for a stamp (kMaxClockUs), so that a peer with a wrong clock cannot push this node's stamps beyond what other
    /// nodes accept: the other half is 18,000 years.
    static constexpr std::uint64_t kLatest = std::uint64_t{1} << 59;
    void see(Instant now, std::uint64_t time_us) {
        if (time_us > read(now) && time_us < kLatest) {
            offset_us_ = static_cast<std::int64_t>(time_us) - now.time_since_epoch() / 1us;
        }
    }

private:
    std::int64_t offset_us_;
    std::uint64_t last_ = 0;
};

}  // namespace tulle::mesh
