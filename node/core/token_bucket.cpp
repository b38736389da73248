#include "node/core/token_bucket.hpp"

#include <algorithm>
#include <chrono>

namespace tulle::node {
namespace {

// The amount by which a sum of fractions may fall short.
constexpr double kRounding = 1e-9;
// Seconds. A rate near 0 would ask for more time than a Duration holds.
constexpr double kLongestWait = 3600;

// The points that must be in the bucket: a request beyond a second's worth needs a full bucket.
double needed_for(double points, double per_second) {
    return std::min(points, per_second) - kRounding;
}

}  // namespace

bool TokenBucket::take(Instant now, double points, double per_second) {
    const double elapsed = std::chrono::duration<double>(now - filled_at_).count();
    // A bucket that has never been used holds infinity, so the first take finds the bucket full at any rate.
    tokens_ = std::min(per_second, tokens_ + per_second * elapsed);
    filled_at_ = now;
    if (tokens_ < needed_for(points, per_second)) {
        return false;
    }
    // May make the number negative: the debt of a large request.
    tokens_ -= points;
    return true;
}

std::size_t TokenBucket::left() const {
    return tokens_ > 0 ? static_cast<std::size_t>(tokens_ + kRounding) : 0;
}

Duration TokenBucket::wait_for(double points, double per_second) const {
    const double seconds = per_second > 0 ? (needed_for(points, per_second) - tokens_) / per_second : kLongestWait;
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(std::clamp(seconds, 0.0, kLongestWait)));
}

}  // namespace tulle::node
