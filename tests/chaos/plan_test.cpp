#include "tools/chaos/plan.hpp"

#include <gtest/gtest.h>

#include <set>

namespace tulle::chaos {
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
                if (fault.kind != FaultKind::kRolling) {
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

TEST(Plan, NamesGoBothWays) {
    for (std::size_t i = 0; i < kFaultKinds; ++i) {
        const auto kind = static_cast<FaultKind>(i);
        EXPECT_EQ(fault_from(to_string(kind)), kind);
    }
    EXPECT_EQ(fault_from("nothing"), std::nullopt);
}

}  // namespace
}  // namespace tulle::chaos
