#pragma once

#include <cstdint>

#include "mesh/base/assert.hpp"
#include "mesh/base/time.hpp"

namespace tulle::load {

/// Says when the groups of an open loop are due: at equal distances from `start` on, whatever has become of the groups
/// before. A latency counted from here includes the wait of a message behind late messages; a latency counted from the
/// moment of sending would leave the wait out (coordinated omission).
///
/// Thread: any; a Pacer never changes.
/// Limits: exact to a nanosecond in the first 2^53 ns (104 days).
class Pacer {
public:
    /// REQUIRES: groups_per_second > 0.
    Pacer(Instant start, double groups_per_second) : start_(start), interval_(1e9 / groups_per_second) {
        TULLE_ASSERT(groups_per_second > 0);
    }

    /// How many groups are due at `now`: the groups with an intended time of `now` or earlier.
    [[nodiscard]] std::uint64_t due(Instant now) const {
        if (now < start_) {
            return 0;
        }
        auto groups = static_cast<std::uint64_t>(static_cast<double>((now - start_).count()) / interval_);
        // The division is rounded. Both loops correct the result by a step or two, so that due() and intended() always
        // agree.
        while (intended(groups) <= now) {
            ++groups;
        }
        while (groups > 0 && intended(groups - 1) > now) {
            --groups;
        }
        return groups;
    }

    /// The intended time of a group, counted from 0.
    [[nodiscard]] Instant intended(std::uint64_t group) const {
        return start_ + Duration(static_cast<Duration::rep>(static_cast<double>(group) * interval_));
    }

private:
    Instant start_;
    /// Nanoseconds between two groups.
    double interval_;
};

}  // namespace tulle::load
