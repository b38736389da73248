#include <algorithm>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "mesh/base/prng.hpp"
#include "tools/load/histogram.hpp"

namespace tulle::load::histogram_test {
namespace {

TEST(LoadHistogram, KnowsEachValueToThreeDigitsOverItsWholeRange) {
    for (std::int64_t ticks = 1; ticks <= Histogram::kLongest.count(); ticks += ticks / 7 + 1) {
        Histogram histogram;
        histogram.record(Duration(ticks));
        const std::int64_t told = histogram.max().count();
        EXPECT_GE(told, ticks);
        EXPECT_LE(told - ticks, ticks / 1'024) << ticks;
    }
}

TEST(LoadHistogram, QuantilesAreThoseOfTheSortedValues) {
    Prng prng(7);
    Histogram histogram;
    std::vector<std::int64_t> values;
    for (int i = 0; i < 10'000; ++i) {
        const auto value = static_cast<std::int64_t>(prng.next() % 50'000'000);
        values.push_back(value);
        histogram.record(Duration(value));
    }
    std::sort(values.begin(), values.end());
    EXPECT_EQ(histogram.count(), 10'000U);
    for (const double part : {0.0001, 0.5, 0.9, 0.99, 0.999, 1.0}) {
        const std::int64_t exact = values[static_cast<std::size_t>(part * 10'000) - 1];
        const std::int64_t told = histogram.quantile(part).count();
        EXPECT_GE(told, exact);
        EXPECT_LE(told - exact, exact / 1'024 + 1) << part;
    }
}

TEST(LoadHistogram, ClampsWhatIsBeyondItsRange) {
    Histogram histogram;
    histogram.record(Duration(-5));
    EXPECT_EQ(histogram.max(), Duration::zero());
    histogram.record(std::chrono::hours(1));
    EXPECT_EQ(histogram.max(), Histogram::kLongest);
}

TEST(LoadHistogram, IsZeroWhileEmptyAndAfterClearing) {
    Histogram histogram;
    EXPECT_EQ(histogram.quantile(0.5), Duration::zero());
    histogram.record(5ms);
    histogram.clear();
    EXPECT_EQ(histogram.count(), 0U);
    EXPECT_EQ(histogram.max(), Duration::zero());
}

TEST(LoadHistogram, MergedCountsAsOne) {
    Histogram a;
    Histogram b;
    a.record(Duration(10));
    b.record(Duration(20));
    b.record(Duration(30));
    a.merge(b);
    EXPECT_EQ(a.count(), 3U);
    EXPECT_EQ(a.quantile(0.5), Duration(20));
    EXPECT_EQ(a.max(), Duration(30));
}

}  // namespace
}  // namespace tulle::load::histogram_test
