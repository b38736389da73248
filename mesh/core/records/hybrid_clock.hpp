#pragma once

#include <algorithm>
#include <cstdint>

#include "mesh/base/time.hpp"

namespace tulle::mesh {

/// Makes stamps that follow the wall clock, never repeat, and are later than every stamp seen before (after Kulkarni et
/// al., Logical Physical Clocks, 2014). After two nodes have exchanged a heartbeat, the slower clock runs with the
/// faster. An event that was accepted after the answer to another event therefore bears the later stamp, except within
/// the time that a message takes between two nodes.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards. Stamps are microseconds of the wall clock.
/// Errors: none. A stamp of kLatest or more from a peer is ignored.
class HybridClock {
public:
    /// `wall_offset_us`: the wall clock minus the monotonic clock, in microseconds.
    explicit HybridClock(std::int64_t wall_offset_us) : offset_us_(wall_offset_us) {}

    /// A stamp greater than every stamp returned before.
    [[nodiscard]] std::uint64_t stamp(Instant now) {
        last_ = std::max(last_ + 1, read(now));
        return last_;
    }
    /// The present time in microseconds, at least 1, because 0 means "no stamp".
    [[nodiscard]] std::uint64_t read(Instant now) const {
        return static_cast<std::uint64_t>(std::max<std::int64_t>(1, now.time_since_epoch() / 1us + offset_us_));
    }
    /// A time that is not behind any stamp returned before: after many stamps in a turn the present time is.
    [[nodiscard]] std::uint64_t latest(Instant now) const { return std::max(last_, read(now)); }
    /// The first time that is no clock's, in microseconds: a later time of a peer is ignored. The bound is half of the
    /// largest stamp that the wire takes (kMaxClockUs), so that a peer with a wrong clock cannot push this node's
    /// stamps beyond what other nodes accept: the other half lasts 18,000 years.
    static constexpr std::uint64_t kLatest = std::uint64_t{1} << 59;
    /// Takes in a peer's time in microseconds. A time ahead of this clock moves this clock forward.
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
