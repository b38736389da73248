#include "node/core/timer_wheel.hpp"

#include <map>

#include <gtest/gtest.h>

#include "mesh/base/prng.hpp"

namespace tulle::node::timer_wheel_test {
namespace {

constexpr Instant kStart{100s};
constexpr Slot kA{0};
constexpr Slot kB{5};

std::vector<Slot> advance(TimerWheel& wheel, Instant now) {
    std::vector<Slot> expired;
    wheel.advance(now, expired);
    return expired;
}

TEST(TimerWheel, ExpiresASlotAtItsDeadlineAndOnlyOnce) {
    TimerWheel wheel(kStart);
    wheel.arm(kA, kStart + 1s);
    EXPECT_EQ(wheel.next(), kStart + 1s);
    EXPECT_EQ(advance(wheel, kStart + 999ms), std::vector<Slot>{});
    EXPECT_EQ(advance(wheel, kStart + 1s), std::vector<Slot>{kA});
    EXPECT_EQ(advance(wheel, kStart + 5s), std::vector<Slot>{});
    EXPECT_EQ(wheel.next(), std::nullopt);
}

TEST(TimerWheel, ForgetsACancelledSlot) {
    TimerWheel wheel(kStart);
    wheel.arm(kA, kStart + 1s);
    wheel.arm(kB, kStart + 1s);
    wheel.cancel(kA);
    wheel.cancel(Slot{99});
    EXPECT_EQ(advance(wheel, kStart + 2s), std::vector<Slot>{kB});
}

TEST(TimerWheel, TakesADeadlineThatMovesAwayOrNearer) {
    TimerWheel wheel(kStart);
    wheel.arm(kA, kStart + 1s);
    wheel.arm(kA, kStart + 3s);
    wheel.arm(kB, kStart + 9s);
    wheel.arm(kB, kStart + 2s);
    EXPECT_EQ(advance(wheel, kStart + 1900ms), std::vector<Slot>{});
    EXPECT_EQ(advance(wheel, kStart + 2s), std::vector<Slot>{kB});
    EXPECT_EQ(advance(wheel, kStart + 3s), std::vector<Slot>{kA});
}

TEST(TimerWheel, ExpiresADeadlineInThePastWithTheNextTick) {
    TimerWheel wheel(kStart);
    EXPECT_EQ(advance(wheel, kStart + 10s), std::vector<Slot>{});
    wheel.arm(kA, kStart);
    EXPECT_EQ(wheel.next(), kStart + 10100ms);
    EXPECT_EQ(advance(wheel, kStart + 10100ms), std::vector<Slot>{kA});
}

TEST(TimerWheel, KeepsADeadlineBeyondItsHorizon) {
    TimerWheel wheel(kStart);
    const Instant far = kStart + TimerWheel::kTick * TimerWheel::kBuckets * 3 + 50ms;
    wheel.arm(kA, far);
    Instant now = kStart;
    std::vector<Slot> expired;
    while (expired.empty()) {
        ASSERT_TRUE(wheel.next().has_value());
        now = *wheel.next();
        wheel.advance(now, expired);
    }
    EXPECT_GE(now, far);
    EXPECT_LE(now, far + TimerWheel::kTick);
}

TEST(TimerWheel, LosesNothingOverALongStop) {
    TimerWheel wheel(kStart);
    wheel.arm(kA, kStart + 1s);
    wheel.arm(kB, kStart + 200s);
    std::vector<Slot> expired = advance(wheel, kStart + 86'400s);
    EXPECT_EQ(expired.size(), 2u);
}

TEST(TimerWheel, AgreesWithAPlainModelUnderRandomUse) {
    Prng prng(3);
    TimerWheel wheel(kStart);
    std::map<std::uint32_t, Instant> model;
    Instant now = kStart;
    for (int step = 0; step < 20'000; ++step) {
        const Slot slot(static_cast<std::uint32_t>(prng.below(50)));
        if (prng.chance(70)) {
            const Instant deadline = now + std::chrono::milliseconds(prng.below(300'000));
            wheel.arm(slot, deadline);
            model[slot.value] = deadline;
        } else if (prng.chance(30)) {
            wheel.cancel(slot);
            model.erase(slot.value);
        }
        now += std::chrono::milliseconds(prng.below(400));
        for (const Slot expired : advance(wheel, now)) {
            ASSERT_TRUE(model.contains(expired.value));
            EXPECT_LE(model[expired.value], now);
            model.erase(expired.value);
        }
        for (const auto& [left, deadline] : model) {
            EXPECT_GT(deadline + TimerWheel::kTick * 2, now) << left;
        }
    }
}

}  // namespace
}  // namespace tulle::node::timer_wheel_test
