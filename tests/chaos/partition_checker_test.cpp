#include <gtest/gtest.h>

#include <optional>

#include "tests/chaos/history_builder.hpp"
#include "tests/chaos/judged.hpp"
#include "tools/chaos/checker.hpp"

namespace tulle::chaos::partition_checker_test {
namespace {

/// Histories of a mesh of three whose links are cut.
class Partition : public Judged {
protected:
    void view(int at, std::uint32_t node, std::uint32_t other, const std::string& state) {
        for (Member& member : history_.view_of_all(at, node).members) {
            member.state = member.node == other ? state : member.state;
        }
    }
    /// Node 3 is cut off from the others from second 5 on.
    void cut_off_third(int until) {
        history_.cut(5'000, until, 1, 3);
        history_.cut(5'000, until, 2, 3);
    }
    /// All views with the sessions as told: between the first two, and from each of them to the third.
    void sessions(int at, const std::string& first, const std::string& third) {
        for (std::uint32_t node = 1; node <= 3; ++node) {
            for (Member& member : history_.view_of_all(at, node).members) {
                member.session = node == 3 || member.node == 3 ? third : first;
            }
        }
    }
};

TEST_F(Partition, WhoIsCutOffMustBeFoundInTimeByAllWhomHeIsCutOffFrom) {
    cut_off_third(9'000);
    view(7'400, 1, 3, "dead");
    view(8'200, 2, 3, "dead");
    view(9'500, 1, 3, "alive");
    view(9'500, 2, 3, "alive");
    EXPECT_EQ(verdict("P5").violations, 3U) << "node 2 was late, node 3 never saw the two others dead";
    EXPECT_EQ(report_->cut_detection.values, (std::vector<Duration>{2'400ms}));
}

TEST_F(Partition, ACutThatIsShorterThanASecondMustKillNobody) {
    cut_off_third(5'800);
    view(5'700, 1, 3, "dead");
    view(6'000, 1, 3, "alive");
    EXPECT_EQ(verdict("P5").violations, 1U);
}

TEST_F(Partition, WhoIsHeardByAWitnessMustNotBeHeldForDead) {
    history_.cut(5'000, 12'000, 1, 3);
    view(6'500, 1, 3, "partial");
    view(7'500, 3, 1, "dead");
    view(12'500, 1, 3, "alive");
    view(12'500, 3, 1, "alive");
    EXPECT_EQ(verdict("P5").violations, 1U) << "node 3 gave node 1 up, which node 2 hears";
}

TEST_F(Partition, OneDirectionIsEnoughToBeOutOfReach) {
    history_.add(5'000, EventKind::kCut, 3).other = 1;
    history_.add(12'000, EventKind::kHealed, 3).other = 1;
    view(7'500, 1, 3, "dead");
    view(12'500, 1, 3, "alive");
    EXPECT_EQ(verdict("P5").violations, 1U) << "node 2 hears both";
}

TEST_F(Partition, NobodyMayBeHeldForDeadLongAfterTheHeal) {
    cut_off_third(9'000);
    for (std::uint32_t node = 1; node <= 2; ++node) {
        view(7'400, node, 3, "dead");
        view(9'500, node, 3, "alive");
        view(7'400, 3, node, "dead");
    }
    view(9'500, 3, 1, "alive");
    view(14'200, 3, 1, "dead");
    EXPECT_EQ(verdict("P5").violations, 1U);
}

TEST_F(Partition, WhatWasAcceptedMeanwhileArrivesAfterTheHeal) {
    cut_off_third(9'000);
    history_.publish(6'000, 1, 1);
    history_.deliver(6'003, 1, 1, 1);
    history_.deliver(6'003, 2, 1, 1);
    EXPECT_EQ(verdict("P6").violations, 1U) << "subscription 3 has it not";
    EXPECT_EQ(verdict("P1").violations, 0U);
}

TEST_F(Partition, AndItArrivesSoon) {
    cut_off_third(9'000);
    for (std::uint64_t number = 1; number <= 2; ++number) {
        const int at = 6'000 + static_cast<int>(number);
        history_.publish(at, 1, number);
        history_.deliver(at + 1, 1, 1, number);
        history_.deliver(at + 1, 2, 1, number);
    }
    history_.deliver(9'800, 3, 1, 1);
    history_.deliver(17'500, 3, 1, 2);
    EXPECT_EQ(verdict("P6").violations, 1U);
}

TEST_F(Partition, WithoutAFaultAMessageThatTakesSecondsIsAHoleNotRepaired) {
    history_.publish(6'000, 1, 1);
    history_.deliver(6'003, 1, 1, 1);
    history_.deliver(6'003, 2, 1, 1);
    history_.deliver(9'500, 3, 1, 1);
    EXPECT_EQ(verdict("P3").violations, 1U);
}

TEST_F(Partition, AWitnessPassesOnBeforeTheHeal) {
    history_.cut(5'000, 15'000, 1, 3);
    for (std::uint64_t number = 1; number <= 2; ++number) {
        const int at = 8'500 + static_cast<int>(number);
        history_.publish(at, 1, number);
        history_.deliver(at + 1, 1, 1, number);
        history_.deliver(at + 1, 2, 1, number);
    }
    history_.deliver(8'600, 3, 1, 1);
    history_.deliver(15'100, 3, 1, 2);
    EXPECT_EQ(verdict("P1").violations, 1U);
}

TEST_F(Partition, SessionsAcrossTheCutAreMadeAnewAndNoOthers) {
    sessions(2'500, "a", "x");
    history_.add(4'999, EventKind::kFault, 0, "split");
    cut_off_third(9'000);
    history_.add(9'001, EventKind::kCalm, 0, "split");
    sessions(9'500, "a", "y");
    EXPECT_EQ(verdict("P6").violations, 0U);
    EXPECT_EQ(report_->sessions_across, 4U);
    EXPECT_EQ(report_->sessions_elsewhere, 0U);
}

TEST_F(Partition, ASessionMadeAnewThatNothingHadCutIsAViolation) {
    sessions(2'500, "a", "x");
    history_.add(4'999, EventKind::kFault, 0, "split");
    cut_off_third(9'000);
    history_.add(9'001, EventKind::kCalm, 0, "split");
    sessions(9'500, "b", "y");
    EXPECT_EQ(verdict("P6").violations, 2U) << "each of the two first nodes sees a new one with the other";
    EXPECT_EQ(report_->sessions_elsewhere, 2U);
}

TEST_F(Partition, AllIsWholeOnlyWhenEverybodyHoldsTheInterestThatTheOthersHave) {
    for (std::uint32_t node = 1; node <= 3; ++node) {
        Event& view = history_.view_of_all(4'000, node);
        view.interest = "7:abc";
        for (Member& member : view.members) {
            member.interest = node == 2 && member.node == 3 ? "6:abc" : "7:abc";
        }
    }
    history_.add(5'000, EventKind::kFault);
    history_.add(6'000, EventKind::kCalm);
    EXPECT_EQ(verdict("P6").violations, 1U);
    EXPECT_TRUE(report_->convergence.values.empty());
}

}  // namespace
}  // namespace tulle::chaos::partition_checker_test
