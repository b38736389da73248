#include "mesh/core/records/hybrid_clock.hpp"

#include <gtest/gtest.h>

namespace tulle::mesh::hybrid_clock_test {
namespace {

constexpr Instant kStart{10s};

TEST(HybridClock, FollowsTheWallClockAndNeverRepeats) {
    HybridClock clock(1'000'000);
    EXPECT_EQ(clock.stamp(kStart), 11'000'000u);
    EXPECT_EQ(clock.stamp(kStart), 11'000'001u);
    EXPECT_EQ(clock.stamp(kStart + 1s), 12'000'000u);
}

TEST(HybridClock, RunsWithWhoeverIsAhead) {
    HybridClock clock(0);
    clock.see(kStart, 5);  // behind: nothing to learn
    EXPECT_EQ(clock.stamp(kStart), 10'000'000u);
    clock.see(kStart, 60'000'000);
    EXPECT_EQ(clock.read(kStart + 1s), 61'000'000u);
    EXPECT_GT(clock.stamp(kStart), 60'000'000u - 1);
}

TEST(HybridClock, IsNotLedAstrayByWhatIsNoTime) {
    HybridClock clock(0);
    clock.see(kStart, ~std::uint64_t{0});
    EXPECT_EQ(clock.stamp(kStart), 10'000'000u);
}

TEST(HybridClock, CannotBeLedToStampsThatOtherNodesRefuse) {
    constexpr std::uint64_t kRefused = std::uint64_t{1} << 60;  // kMaxClockUs of the codec
    HybridClock clock(0);
    clock.see(kStart, kRefused);
    EXPECT_EQ(clock.read(kStart), 10'000'000u);
    clock.see(kStart, HybridClock::kLatest - 1);
    // 249 years: nearly the longest time that an Instant holds.
    EXPECT_LT(clock.stamp(kStart + std::chrono::hours(24 * 91'000)), kRefused);
}

}  // namespace
}  // namespace tulle::mesh::hybrid_clock_test
