#include "node/core/token_bucket.hpp"

#include <algorithm>
#include <chrono>

namespace tulle::node {
namespace {

constexpr double kRounding = 1e-9;     // what sums of fractions may be short of
constexpr double kLongestWait = 3600;  // seconds; a rate near 0 would ask for more than a Duration holds

double needed_for(double points, double per_second) {
    return std::min(points, per_second) - kRounding;
}

}  // namespace

bool TokenBucket::take(Instant now, double points, double per_second) {
    const double elapsed = std::chrono::duration<double>(now - filled_at_).count();
    tokens_ = std::min(per_second, tokens_ + per_second * elapsed);
    filled_at_ = now;
    if (tokens_ < needed_for(points, per_second)) {
        return false;
    }
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
