#include "tools/chaos/plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace tulle::chaos::plan_test {
namespace {

TEST(Plan, TheSameSeedMakesTheSamePlanAndAnotherOneAnother) {
    PlanOptions options{.seed = 11, .nodes = 5, .length = 120s};
    const std::vector<Fault> plan = make_plan(options);
    EXPECT_EQ(plan, make_plan(options));
    options.seed = 12;
    EXPECT_NE(plan, make_plan(options));
}

TEST(Plan, ALongPlanHasEveryKind) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        std::set<FaultKind> kinds;
        for (const Fault& fault : make_plan({.seed = seed, .nodes = 5, .length = 300s})) {
            kinds.insert(fault.kind);
        }
        EXPECT_EQ(kinds.size(), kFaultKinds) << "seed " << seed;
    }
}

TEST(Plan, HasOnlyTheKindsAskedFor) {
    const auto plan = make_plan({.seed = 3, .nodes = 5, .length = 60s, .kinds = {FaultKind::kKill, FaultKind::kStop}});
    ASSERT_FALSE(plan.empty());
    for (const Fault& fault : plan) {
        EXPECT_TRUE(fault.kind == FaultKind::kKill || fault.kind == FaultKind::kStop) << describe(fault);
    }
}

TEST(Plan, SomebodyAlwaysSurvivesAndEveryNodeExists) {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        for (std::uint32_t nodes = 2; nodes <= 7; ++nodes) {
            for (const Fault& fault : make_plan({.seed = seed, .nodes = nodes, .length = 120s})) {
                ASSERT_FALSE(fault.nodes.empty());
                for (const std::uint32_t node : fault.nodes) {
                    EXPECT_TRUE(node >= 1 && node <= nodes) << describe(fault);
                }
                const bool is_of_all = fault.kind == FaultKind::kRolling || fault.kind == FaultKind::kRotate;
                if (!is_of_all && !needs_own_network(fault.kind)) {
                    EXPECT_LT(fault.nodes.size(), nodes) << describe(fault);
                }
            }
        }
    }
}

TEST(Plan, FitsIntoItsTime) {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        Duration used{};
        for (const Fault& fault : make_plan({.seed = seed, .nodes = 5, .length = 60s})) {
            used += fault.pause + fault.hold * static_cast<Duration::rep>(fault.times);
        }
        EXPECT_LE(used, 60s) << "seed " << seed;
    }
}

std::vector<Fault> only(FaultKind kind, std::uint32_t nodes, std::uint64_t seed) {
    return make_plan({.seed = seed, .nodes = nodes, .length = 120s, .kinds = {kind}});
}

TEST(Plan, ASplitCutsEveryLinkBetweenTheTwoSidesAndNoOther) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        for (const Fault& fault : only(FaultKind::kSplit, 5, seed)) {
            const std::vector<Direction> cut = directions_of(fault, 5);
            EXPECT_EQ(cut.size(), 2 * fault.nodes.size() * (5 - fault.nodes.size())) << describe(fault);
            const std::set<std::uint32_t> side(fault.nodes.begin(), fault.nodes.end());
            for (const auto& [from, to] : cut) {
                EXPECT_NE(side.contains(from), side.contains(to)) << describe(fault);
            }
        }
    }
}

TEST(Plan, APartialPartitionCutsOnePairAndAOneWayOneOneDirection) {
    Fault fault;
    fault.nodes = {2, 4};
    fault.kind = FaultKind::kPartial;
    EXPECT_EQ(directions_of(fault, 5), (std::vector<Direction>{{2, 4}, {4, 2}}));
    fault.kind = FaultKind::kOneWay;
    EXPECT_EQ(directions_of(fault, 5), (std::vector<Direction>{{2, 4}}));
    std::set<bool> upwards;
    for (const Fault& drawn : only(FaultKind::kOneWay, 5, 1)) {
        upwards.insert(drawn.nodes.front() < drawn.nodes.back());
    }
    EXPECT_EQ(upwards.size(), 2U);
}

TEST(Plan, SlowNodesAreSlowToAndFromEverybody) {
    const std::vector<Fault> plan = only(FaultKind::kThrottle, 4, 1);
    ASSERT_FALSE(plan.empty());
    EXPECT_GT(plan.front().rate, 0U);
    EXPECT_EQ(directions_of(plan.front(), 4).size(), 6U);
    EXPECT_GT(only(FaultKind::kDelay, 4, 1).front().delay, Duration::zero());
}

TEST(Plan, AfterASplitTheMeshHasTimeToBecomeWhole) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const auto plan = make_plan({.seed = seed, .nodes = 5, .length = 120s, .kinds = {FaultKind::kSplit}});
        ASSERT_GT(plan.size(), 2U) << "seed " << seed;
        for (std::size_t i = 1; i <= plan.size() / 2; ++i) {  // towards the end there may be no time left
            EXPECT_GE(plan[i].pause, 6s) << "seed " << seed << ", fault " << i;
        }
    }
}

TEST(Plan, ALongFreezeComesOnceAndOnlyInALongPlan) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        for (const Duration length : {Duration(60s), Duration(290s)}) {
            const auto plan = make_plan({.seed = seed, .nodes = 5, .length = length});
            const auto freezes = std::count_if(plan.begin(), plan.end(),
                                               [](const Fault& fault) { return fault.kind == FaultKind::kFreeze60; });
            EXPECT_EQ(freezes, length < kLongPlan ? 0 : 1) << "seed " << seed;
        }
    }
}

TEST(Plan, NamesGoBothWays) {
    for (std::size_t i = 0; i < kFaultKinds; ++i) {
        const auto kind = static_cast<FaultKind>(i);
        EXPECT_EQ(fault_from(to_string(kind)), kind);
    }
    EXPECT_EQ(fault_from("nothing"), std::nullopt);
}

}  // namespace
}  // namespace tulle::chaos::plan_test
