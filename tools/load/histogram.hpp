#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "mesh/base/time.hpp"

namespace tulle::load {

/// Counts durations in the log-linear buckets of Gil Tene's HdrHistogram: each power of two is cut into 1,024 equal
/// parts, so that a value is known to 1/1024 of itself (three significant digits) wherever it lies, and recording one
/// is a few instructions without a branch on its size.
///
/// Limits: up to kLongest; what is longer is counted as that, what is negative as 0. Takes 224 KiB, all of it at once,
/// so
///         that recording never allocates.
/// Thread: one.
class Histogram {
public:
    static constexpr Duration kLongest{(std::int64_t{1} << 37) - 1};  ///< 137 s

    Histogram() : counts_(index_of(kLongestTicks) + 1) {}

    void record(Duration value) {
        const auto ticks = static_cast<std::uint64_t>(value.count() < 0 ? 0 : value.count());
        ++counts_[index_of(ticks < kLongestTicks ? ticks : kLongestTicks)];
        ++count_;
    }

    void merge(const Histogram& other);
    void clear();

    [[nodiscard]] std::uint64_t count() const { return count_; }

    /// The least bucket that has at least this part (0..1) of all values at or below it, by its upper end; zero when
    /// nothing was recorded.
    [[nodiscard]] Duration quantile(double part) const;
    /// Upper end of the bucket of the longest.
    [[nodiscard]] Duration max() const { return quantile(1.0); }

private:
    static constexpr int kPartBits = 10;
    static constexpr std::uint64_t kExact =
        (std::uint64_t{2} << kPartBits) - 1;  // values up to this have buckets of their own
    static constexpr auto kLongestTicks = static_cast<std::uint64_t>(kLongest.count());

    [[nodiscard]] static constexpr std::size_t index_of(std::uint64_t ticks) {
        const int doublings = static_cast<int>(std::bit_width(ticks | kExact)) - (kPartBits + 1);
        return (static_cast<std::size_t>(doublings) << kPartBits) + (ticks >> doublings);
    }
    [[nodiscard]] static Duration upper_end(std::size_t index);

    std::vector<std::uint64_t> counts_;
    std::uint64_t count_ = 0;
};

}  // namespace tulle::load
