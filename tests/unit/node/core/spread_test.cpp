#include "node/core/spread.hpp"

#include <gtest/gtest.h>

namespace tulle::node::spread_test {
namespace {

constexpr Instant kStart{100s};

TEST(Spread, IsEvenOverTheDuration) {
    const Spread spread(kStart, 30s, 10'000);
    EXPECT_EQ(spread.due(kStart), 0u);
    EXPECT_EQ(spread.due(kStart + 99ms), 0u);
    EXPECT_EQ(spread.due(kStart + 15s), 5'000u);
    EXPECT_EQ(spread.due(kStart + 30s), 10'000u);
    EXPECT_EQ(spread.due(kStart + 300s), 10'000u);
    // No second has more than its part, wherever the second begins.
    for (Duration from{}; from <= 31s; from += 10ms) {
        const std::size_t of_second = spread.due(kStart + from + 1s) - spread.due(kStart + from);
        EXPECT_LE(of_second, 367u) << "the part of 11 steps";
    }
}

TEST(Spread, WithoutADurationAllAreDueAtOnce) {
    EXPECT_EQ(Spread(kStart, 0s, 7).due(kStart), 7u);
    EXPECT_EQ(Spread(kStart, 99ms, 7).due(kStart), 7u);
    EXPECT_EQ(Spread(kStart, -5s, 7).due(kStart), 7u);
    EXPECT_EQ(Spread(kStart, 0s, 7).next(kStart), std::nullopt);
}

TEST(Spread, SaysWhenMoreAreDue) {
    const Spread spread(kStart, 1s, 2);
    EXPECT_EQ(spread.next(kStart), kStart + 100ms);
    EXPECT_EQ(spread.next(kStart + 150ms), kStart + 200ms);
    EXPECT_EQ(spread.due(kStart + 500ms), 1u);
    EXPECT_EQ(spread.next(kStart + 1s), std::nullopt);
    EXPECT_EQ(Spread(kStart, 1s, 0).next(kStart), std::nullopt);
}

TEST(Spread, HoldsBackBeforeItsStart) {
    EXPECT_EQ(Spread(kStart, 1s, 100).due(kStart - 5s), 0u);
}

}  // namespace
}  // namespace tulle::node::spread_test
