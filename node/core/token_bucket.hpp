#pragma once

#include <cstddef>
#include <limits>

#include "mesh/base/time.hpp"

namespace tulle::node {

/// An allowance by the second. The points of a whole second may be taken at once, and come back as time goes by.
///
/// The rate is an argument, so the rate may change from call to call. The bucket never holds more than a second of the
/// rate.
///
/// Thread: none of its own; the owner's.
/// Time:   `now` must not go backwards.
class TokenBucket {
public:
    /// Takes `points` when the bucket holds enough. More points than a second's worth are taken from a full bucket,
    /// which then goes into debt: so a large request is possible at all, and the rate holds in the long run. False:
    /// nothing has been taken.
    [[nodiscard]] bool take(Instant now, double points, double per_second);

    /// The number of single points that could be taken at once, by the time of the last take.
    [[nodiscard]] std::size_t left() const;
    /// How long until a refused take would be granted, counted from that take. At most an hour.
    [[nodiscard]] Duration wait_for(double points, double per_second) const;

private:
    /// Full, whatever the rate will be.
    double tokens_ = std::numeric_limits<double>::infinity();
    Instant filled_at_{};
};

}  // namespace tulle::node
