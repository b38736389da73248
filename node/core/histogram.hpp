#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "mesh/base/assert.hpp"
#include "mesh/base/time.hpp"
#include "node/core/counter.hpp"

namespace tulle::node {

/// How often durations of each size have been observed: 16 bounds from 100 us to 10 s, and everything beyond.
///
/// Thread: a single thread observes, any thread reads. A reader may see an observation in its bucket and not yet in the
///         sum.
/// Limits: the sum counts microseconds, and wraps after half a million years of them.
/// Errors: none. A negative duration, as between clocks that have not been compared exactly, counts as zero.
class Histogram {
public:
    /// The upper bounds of the buckets but the last, which has none. A duration of exactly a bound is within it.
    static constexpr std::array<Duration, 16> kBounds = {100us, 200us, 500us, 1ms,   2ms, 5ms, 10ms, 20ms,
                                                         50ms,  100ms, 200ms, 500ms, 1s,  2s,  5s,   10s};
    static_assert(std::is_sorted(kBounds.begin(), kBounds.end()) && kBounds.front() > Duration{});
    static constexpr std::size_t kBuckets = kBounds.size() + 1;

    /// Counts a duration: four comparisons and two stores.
    void observe(Duration took) {
        const auto bound = std::lower_bound(kBounds.begin(), kBounds.end(), took);
        buckets_[static_cast<std::size_t>(bound - kBounds.begin())].add();
        sum_us_.add(took < Duration{} ? 0 : static_cast<std::uint64_t>(took / 1us));
    }

    /// The observations in a bucket alone, without the buckets below. REQUIRES: bucket < kBuckets.
    [[nodiscard]] std::uint64_t in(std::size_t bucket) const {
        TULLE_ASSERT(bucket < kBuckets);
        return buckets_[bucket].get();
    }
    /// The sum of all observed durations in microseconds.
    [[nodiscard]] std::uint64_t sum_us() const { return sum_us_.get(); }

private:
    std::array<Counter, kBuckets> buckets_;
    Counter sum_us_;
};

}  // namespace tulle::node
