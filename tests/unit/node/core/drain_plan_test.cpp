#include "node/core/drain_plan.hpp"

#include <gtest/gtest.h>

namespace tulle::node::drain_plan_test {
namespace {

constexpr Instant kStart{100s};
constexpr DrainTimes kTimes{10s, 30s};

/// A plan under facts that the test sets.
struct Drained {
    explicit Drained(const DrainTimes& times = kTimes) : plan(times) {}

    /// The state after all steps that are due at `now`.
    DrainState at(Instant now) {
        while (plan.tick(now, facts)) {
        }
        return plan.state();
    }

    DrainPlan plan;
    DrainPlan::Facts facts{3, 0};
};

TEST(DrainPlan, ServesUntilItIsTold) {
    Drained node;
    EXPECT_EQ(node.at(kStart + 3600s), DrainState::kServing);
    EXPECT_EQ(node.plan.next_tick(kStart), std::nullopt);
    EXPECT_FALSE(node.plan.undrain());
}

TEST(DrainPlan, AnnouncesForItsGraceWhileClientsCome) {
    Drained node;
    node.plan.drain(kStart, node.facts);
    for (Duration passed{}; passed < 10s; passed += 100ms) {
        ++node.facts.arrivals;
        ASSERT_EQ(node.at(kStart + passed), DrainState::kAnnouncing);
    }
    EXPECT_EQ(node.at(kStart + 10s), DrainState::kMoving);
}

TEST(DrainPlan, AnnouncesForItsWholeGraceWhenNobodyHasLooked) {
    Drained node;
    node.plan.drain(kStart, node.facts);
    ++node.facts.told_checks;
    EXPECT_EQ(node.at(kStart + 9s), DrainState::kAnnouncing);
    EXPECT_EQ(node.at(kStart + 10s), DrainState::kMoving);
}

TEST(DrainPlan, AnnouncesForAMomentWhenNobodyIsThere) {
    Drained node;
    node.facts.clients = 0;
    node.plan.drain(kStart, node.facts);
    EXPECT_EQ(node.at(kStart + 1999ms), DrainState::kAnnouncing);
    EXPECT_EQ(node.at(kStart + 2s), DrainState::kDrained);
}

TEST(DrainPlan, AnnouncesNoLongerThanClientsComeOnceChecksHaveBeenTold) {
    Drained node;
    node.facts.told_checks = 7;
    node.plan.drain(kStart, node.facts);
    node.facts.told_checks += kChecksTold;
    ++node.facts.arrivals;
    EXPECT_EQ(node.at(kStart + 1s), DrainState::kAnnouncing);
    EXPECT_EQ(node.at(kStart + 2999ms), DrainState::kAnnouncing);
    EXPECT_EQ(node.at(kStart + 3s), DrainState::kMoving);
}

TEST(DrainPlan, MovesUntilNobodyIsLeftAndThenWaitsForASignal) {
    Drained node;
    node.plan.drain(kStart, node.facts);
    EXPECT_EQ(node.at(kStart + 10s), DrainState::kMoving);
    EXPECT_EQ(node.at(kStart + 20s), DrainState::kMoving);
    node.facts.clients = 0;
    EXPECT_EQ(node.at(kStart + 21s), DrainState::kDrained);
    EXPECT_EQ(node.at(kStart + 3600s), DrainState::kDrained);
    EXPECT_EQ(node.plan.next_tick(kStart + 3600s), std::nullopt);
    node.plan.stop(kStart + 3600s, node.facts);
    EXPECT_EQ(node.at(kStart + 3600s), DrainState::kLeaving);
}

TEST(DrainPlan, WaitsForAClientThatDoesNotGoForABoundedTime) {
    Drained node;
    node.plan.stop(kStart, node.facts);
    EXPECT_EQ(node.at(kStart + 10s), DrainState::kMoving);
    EXPECT_EQ(node.at(kStart + 10s + 34s), DrainState::kMoving);
    EXPECT_EQ(node.at(kStart + 10s + 35s), DrainState::kLeaving);
}

TEST(DrainPlan, WithoutTimesAStopLeavesAtOnce) {
    Drained node(DrainTimes{0s, 0s});
    node.plan.stop(kStart, node.facts);
    EXPECT_EQ(node.at(kStart), DrainState::kLeaving);
    EXPECT_FALSE(node.plan.undrain());
}

TEST(DrainPlan, WithoutTimesADrainClosesAllAtOnceAndStays) {
    Drained node(DrainTimes{0s, 0s});
    node.plan.drain(kStart, node.facts);
    EXPECT_EQ(node.at(kStart), DrainState::kMoving);
    node.facts.clients = 0;
    EXPECT_EQ(node.at(kStart + 100ms), DrainState::kDrained);
}

TEST(DrainPlan, LeavesAtOnceWhenItIsHurried) {
    Drained node;
    node.plan.stop(kStart, node.facts);
    node.plan.leave_now();
    EXPECT_EQ(node.at(kStart), DrainState::kLeaving);
    EXPECT_EQ(node.plan.next_tick(kStart), std::nullopt);
}

TEST(DrainPlan, CanBeCalledOffBeforeItLeaves) {
    for (const Duration until : {Duration(1s), Duration(12s), Duration(60s)}) {
        Drained node;
        node.plan.drain(kStart, node.facts);
        node.at(kStart + until);
        node.at(kStart + until + 40s);
        EXPECT_TRUE(node.plan.undrain());
        EXPECT_EQ(node.at(kStart + 3600s), DrainState::kServing);
        // The next drain takes its whole time again.
        node.plan.drain(kStart + 3600s, node.facts);
        EXPECT_EQ(node.at(kStart + 3601s), DrainState::kAnnouncing);
    }
}

TEST(DrainPlan, ASecondOrderDoesNotBeginAnew) {
    Drained node;
    node.plan.drain(kStart, node.facts);
    ASSERT_EQ(node.at(kStart + 10s), DrainState::kMoving);
    node.plan.drain(kStart + 11s, node.facts);
    node.plan.stop(kStart + 11s, node.facts);
    EXPECT_EQ(node.at(kStart + 11s), DrainState::kMoving);
    EXPECT_TRUE(node.plan.stops());
}

TEST(DrainPlan, CannotBeCalledOffOnceASignalHasCome) {
    Drained node;
    node.plan.stop(kStart, node.facts);
    EXPECT_FALSE(node.plan.undrain());
    EXPECT_EQ(node.at(kStart + 10s), DrainState::kMoving);
    EXPECT_FALSE(node.plan.undrain());
}

}  // namespace
}  // namespace tulle::node::drain_plan_test
