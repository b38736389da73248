#include "node/app/settling.hpp"

#include <gtest/gtest.h>

namespace tulle::node::settling_test {
namespace {

constexpr Instant kStart{1000s};

TEST(Settling, WaitsForQuiet) {
    Settling settling;
    EXPECT_FALSE(settling.take(kStart));
    EXPECT_EQ(settling.deadline(), std::nullopt);
    settling.on_change(kStart);
    settling.on_change(kStart + 80ms);
    EXPECT_EQ(settling.deadline(), kStart + 180ms);
    EXPECT_FALSE(settling.take(kStart + 179ms));
    EXPECT_TRUE(settling.take(kStart + 180ms));
    EXPECT_FALSE(settling.take(kStart + 200ms)) << "once for all changes";
}

TEST(Settling, WaitsNoLongerThanASecondForChangesThatDoNotEnd) {
    Settling settling;
    for (Instant now = kStart; now <= kStart + 990ms; now += 90ms) {
        EXPECT_FALSE(settling.take(now));
        settling.on_change(now);
    }
    EXPECT_EQ(settling.deadline(), kStart + 1s);
}

}  // namespace
}  // namespace tulle::node::settling_test
