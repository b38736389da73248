#include "tools/chaos/shaper.hpp"

#include <gtest/gtest.h>

namespace tulle::chaos::shaper_test {
namespace {

constexpr Instant kStart{5s};

TEST(Shaper, DelaysEachPacketWithinTheJitterAndKeepsTheirOrder) {
    Shaper shaper({50ms, 30ms, 0}, 1);
    Instant last{};
    bool differs = false;
    for (int i = 0; i < 500; ++i) {
        const Instant now = kStart + std::chrono::milliseconds(10 * i);
        const std::optional<Instant> due = shaper.admit(now, 1'000);
        ASSERT_TRUE(due.has_value());
        EXPECT_GE(*due, last);
        EXPECT_GE(*due, now + 20ms);
        EXPECT_LE(*due, now + 80ms);
        differs = differs || *due - now != 50ms;
        last = *due;
    }
    EXPECT_TRUE(differs);
}

TEST(Shaper, WithoutJitterTheDelayIsExact) {
    Shaper shaper({50ms, 0ms, 0}, 1);
    EXPECT_EQ(shaper.admit(kStart, 1'000), kStart + 50ms);
}

TEST(Shaper, SendsNoMoreThanItsRate) {
    Shaper shaper({0ms, 0ms, 100'000}, 1);
    EXPECT_EQ(shaper.admit(kStart, 1'000), kStart + 10ms);
    EXPECT_EQ(shaper.admit(kStart, 2'000), kStart + 30ms);
    EXPECT_EQ(shaper.admit(kStart + 1s, 1'000), kStart + 1'010ms) << "what was not used is not saved up";
}

TEST(Shaper, DropsWhatWouldWaitTooLong) {
    Shaper shaper({0ms, 0ms, 100'000}, 1);
    int admitted = 0;
    while (shaper.admit(kStart, 1'000)) {
        ++admitted;
    }
    EXPECT_EQ(admitted, 41) << "400 ms of them, and the one that is under way";
    EXPECT_TRUE(shaper.admit(kStart + 20ms, 1'000).has_value());
}

}  // namespace
}  // namespace tulle::chaos::shaper_test
