#include "node/core/histogram.hpp"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "node/core/code_counts.hpp"

namespace tulle::node::histogram_test {
namespace {

std::vector<std::uint64_t> buckets(const Histogram& histogram) {
    std::vector<std::uint64_t> all;
    for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
        all.push_back(histogram.in(i));
    }
    return all;
}

TEST(HistogramTest, ADurationOfABoundIsWithinTheBoundAndOneBeyondIsNot) {
    Histogram histogram;
    for (const Duration bound : Histogram::kBounds) {
        histogram.observe(bound);
        histogram.observe(bound + 1ns);
    }
    std::vector<std::uint64_t> expected(Histogram::kBuckets, 2);
    expected.front() = 1;
    expected.back() = 1;
    EXPECT_EQ(buckets(histogram), expected);
}

TEST(HistogramTest, TheSumCountsMicrosecondsAndANegativeDurationIsZero) {
    Histogram histogram;
    histogram.observe(1500us);
    histogram.observe(2s);
    histogram.observe(-1h);
    EXPECT_EQ(histogram.sum_us(), 2'001'500u);
    EXPECT_EQ(histogram.in(0), 1u);
}

TEST(CodeCountsTest, KnownCodesAreCountedEachAndAllOthersTogether) {
    CodeCounts<kCloseCodes> counts;
    for (const std::uint64_t code : kCloseCodes) {
        counts.add(code);
    }
    // Codes outside of the set, below, between and above the known ones, and one that is known modulo 2^16.
    for (const std::uint64_t code : {0u, 1004u, 4002u, 65535u, 65536u + 1000u}) {
        counts.add(code);
    }
    for (std::size_t i = 0; i + 1 < counts.kSize; ++i) {
        EXPECT_EQ(counts.at(i), 1u) << kCloseCodes[i];
    }
    EXPECT_EQ(counts.at(counts.kSize - 1), 5u);
}

}  // namespace
}  // namespace tulle::node::histogram_test
