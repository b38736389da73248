#pragma once

#include <cstddef>
#include <limits>

#include "mesh/base/time.hpp"

namespace tulle::node {

/// An allowance by the second: a second's worth may come at once, and comes back as time goes by.
///
/// The rate is an argument, so it may change from one call to the next; what the bucket holds never exceeds a second of
/// it.
/// Time: `now` must not go backwards.
class TokenBucket {
public:
    /// Takes `points` when the bucket holds them. More than a second's worth is taken when the bucket is full, and runs
    /// it into debt, so that it is possible at all and the rate is kept in the long run. False: nothing has been taken.
    [[nodiscard]] bool take(Instant now, double points, double per_second);

    /// After the last take: how many single points could be taken at once.
    [[nodiscard]] std::size_t left() const;
    /// After a take that was refused: how long until the same one is granted.
    [[nodiscard]] Duration wait_for(double points, double per_second) const;

private:
    double tokens_ = std::numeric_limits<double>::infinity();  ///< full, whatever the rate will be
    Instant filled_at_{};
};

}  // namespace tulle::node
