#include "tools/load/histogram.hpp"

#include <algorithm>
#include <cmath>

namespace tulle::load {

void Histogram::merge(const Histogram& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        counts_[i] += other.counts_[i];
    }
    count_ += other.count_;
}

void Histogram::clear() {
    std::fill(counts_.begin(), counts_.end(), 0);
    count_ = 0;
}

Duration Histogram::quantile(double part) const {
    if (count_ == 0) {
        return Duration::zero();
    }
    // The rank of the wanted value among all values in ascending order, from 1.
    const double wanted = std::ceil(std::clamp(part, 0.0, 1.0) * static_cast<double>(count_));
    const auto rank = std::clamp(static_cast<std::uint64_t>(wanted), std::uint64_t{1}, count_);
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        below += counts_[i];
        if (below >= rank) {
            return upper_end(i);
        }
    }
    return kLongest;
}

Duration Histogram::upper_end(std::size_t index) {
    const std::uint64_t place = index;
    // The reverse of index_of(): above kExact a bucket is 2^doublings wide, and the end is the value before the next
    // bucket.
    const std::uint64_t doublings = place <= kExact ? 0 : (place >> kPartBits) - 1;
    const std::uint64_t end = ((place - (doublings << kPartBits) + 1) << doublings) - 1;
    return Duration(static_cast<Duration::rep>(end));
}

}  // namespace tulle::load
