#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "mesh/base/time.hpp"

namespace tulle::load {

/// Counts durations in the log-linear buckets of Gil Tene's HdrHistogram: each power of two is cut into 1,024 equal
/// parts. A value is thus known to 1/1024 of itself (three significant digits) wherever the value lies, and recording
/// takes a few instructions without a branch on the size.
///
/// Thread: one thread.
/// Limits: values up to kLongest. A longer value counts as kLongest, a negative value as 0. A histogram takes 224 KiB,
///         all at once at construction, so that recording never allocates.
class Histogram {
public:
    /// 2^37 - 1 ns, or 137 s.
    static constexpr Duration kLongest{(std::int64_t{1} << 37) - 1};

    Histogram() : counts_(index_of(kLongestTicks) + 1) {}

    /// Counts a value.
    void record(Duration value) {
        const auto ticks = static_cast<std::uint64_t>(value.count() < 0 ? 0 : value.count());
        ++counts_[index_of(ticks < kLongestTicks ? ticks : kLongestTicks)];
        ++count_;
    }

    /// Adds the counts of another histogram.
    void merge(const Histogram& other);
    /// Forgets all values and keeps the memory.
    void clear();

    [[nodiscard]] std::uint64_t count() const { return count_; }

    /// The upper end of the smallest bucket with at least this part (0 to 1) of all values at or below. Zero without
    /// values.
    [[nodiscard]] Duration quantile(double part) const;
    /// The upper end of the bucket of the longest value.
    [[nodiscard]] Duration max() const { return quantile(1.0); }

private:
    /// 1,024 parts for each power of two.
    static constexpr int kPartBits = 10;
    /// Values up to kExact have buckets of their own, a nanosecond wide.
    static constexpr std::uint64_t kExact = (std::uint64_t{2} << kPartBits) - 1;
    static constexpr auto kLongestTicks = static_cast<std::uint64_t>(kLongest.count());

    /// The bucket of a value. The leading kPartBits + 1 bits of the value select the bucket within the value's power of
    /// two; `| kExact` makes small values share the first range.
    [[nodiscard]] static constexpr std::size_t index_of(std::uint64_t ticks) {
        const int doublings = static_cast<int>(std::bit_width(ticks | kExact)) - (kPartBits + 1);
        return (static_cast<std::size_t>(doublings) << kPartBits) + (ticks >> doublings);
    }
    /// The greatest value of a bucket.
    [[nodiscard]] static Duration upper_end(std::size_t index);

    /// By bucket.
    std::vector<std::uint64_t> counts_;
    std::uint64_t count_ = 0;
};

}  // namespace tulle::load
