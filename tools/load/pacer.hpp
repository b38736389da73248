#pragma once

#include <cstdint>

#include "mesh/base/assert.hpp"
#include "mesh/base/time.hpp"

namespace tulle::load {

/// When the groups of an open loop are due: at equal distances from `start` on, whatever has become of those before. A
/// latency that is counted from here includes the time for which a message had to wait because others were late; one
/// that is counted from the moment of sending would leave that out (coordinated omission).
///
/// REQUIRES: groups_per_second > 0. Limits: exact to a nanosecond in the first 2^53 ns (104 days).
class Pacer {
public:
    Pacer(Instant start, double groups_per_second) : start_(start), interval_(1e9 / groups_per_second) {
        TULLE_ASSERT(groups_per_second > 0);
    }

    /// How many groups are due at `now`: those whose time is not later.
    [[nodiscard]] std::uint64_t due(Instant now) const {
        if (now < start_) {
            return 0;
        }
        auto groups = static_cast<std::uint64_t>(static_cast<double>((now - start_).count()) / interval_);
        while (intended(groups) <= now) {
            ++groups;
        }
        while (groups > 0 && intended(groups - 1) > now) {
            --groups;
        }
        return groups;
    }

    /// The time of the group of this number, from 0 on.
    [[nodiscard]] Instant intended(std::uint64_t group) const {
        return start_ + Duration(static_cast<Duration::rep>(static_cast<double>(group) * interval_));
    }

private:
    Instant start_;
    double interval_;  ///< ns
};

}  // namespace tulle::load
