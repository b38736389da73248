#include <gtest/gtest.h>

#include "tools/load/pacer.hpp"

namespace tulle::load::pacer_test {
namespace {

constexpr Instant kStart(1'000s);

TEST(LoadPacer, IsDueAtEqualDistances) {
    const Pacer pacer(kStart, 1'000);
    EXPECT_EQ(pacer.due(kStart - 1ns), 0U);
    EXPECT_EQ(pacer.due(kStart), 1U);
    EXPECT_EQ(pacer.due(kStart + 999'999ns), 1U);
    EXPECT_EQ(pacer.due(kStart + 1ms), 2U);
    EXPECT_EQ(pacer.due(kStart + 10s), 10'001U);
    EXPECT_EQ(pacer.intended(10'000), kStart + 10s);
}

TEST(LoadPacer, WhatIsDueIsWhatIsIntendedUpToNowForOddRatesToo) {
    for (const double rate : {0.3, 3.0, 7.7, 333'333.0, 999'999.9}) {
        const Pacer pacer(kStart, rate);
        for (Duration elapsed{}; elapsed < 2s; elapsed += 1'234'567ns) {
            const std::uint64_t due = pacer.due(kStart + elapsed);
            ASSERT_GT(due, 0U);
            EXPECT_LE(pacer.intended(due - 1), kStart + elapsed);
            EXPECT_GT(pacer.intended(due), kStart + elapsed);
        }
    }
}

TEST(LoadPacer, DoesNotMoveWithTheTimeOfAsking) {
    const Pacer pacer(kStart, 100);
    EXPECT_EQ(pacer.due(kStart + 5s), 501U);  // after a pause of five seconds all of them are due, at their own times
    EXPECT_EQ(pacer.intended(3), kStart + 30ms);
}

}  // namespace
}  // namespace tulle::load::pacer_test
