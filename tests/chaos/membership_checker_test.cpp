#include <gtest/gtest.h>

#include <optional>

#include "tests/chaos/history_builder.hpp"
#include "tests/chaos/judged.hpp"
#include "tools/chaos/checker.hpp"

namespace tulle::chaos::membership_checker_test {
namespace {

std::vector<Member> two(std::uint32_t a, const std::string& state_a, std::uint32_t b, const std::string& state_b) {
    return {{a, HistoryBuilder::oid(a), state_a}, {b, HistoryBuilder::oid(b), state_b}};
}

class Membership : public Judged {
protected:
    /// Node 3 is killed at second 5; the others see it after so many milliseconds.
    void kill_third(int first_sees, int second_sees) {
        history_.add(5'000, EventKind::kEnd, 3, "kill");
        history_.view(5'000 + first_sees, 1, HistoryBuilder::oid(1), two(2, "alive", 3, "dead"));
        history_.view(5'000 + second_sees, 2, HistoryBuilder::oid(2), two(1, "alive", 3, "dead"));
    }
};

TEST_F(Membership, MeasuresHowSoonEverySurvivorSeesADeath) {
    kill_third(40, 90);
    EXPECT_TRUE(verdict("P5").ok());
    EXPECT_EQ(report_->detection.values, (std::vector<Duration>{40ms, 90ms}));
}

TEST_F(Membership, FindsALateDetection) {
    kill_third(40, 1'200);
    EXPECT_FALSE(verdict("P5").ok());
}

TEST_F(Membership, FindsOneLateDetectionAmongMany) {
    kill_third(40, 2'900);
    EXPECT_EQ(verdict("P5").violations, 1U) << "the other is quick, and the percentiles are of what was found in time";
}

TEST_F(Membership, DoesNotChargeTheMeshForAProcessThatTheSystemWasSlowToEnd) {
    kill_third(1'240, 1'250);
    history_.add(6'200, EventKind::kReaped, 3);
    EXPECT_TRUE(verdict("P5").ok());
    EXPECT_EQ(report_->detection.values.size(), 0U);
    EXPECT_EQ(verdict("P5").exemptions.at("the system took long to end the killed process"), 2U);
}

TEST_F(Membership, ChargesTheMeshWhenTheSystemWasQuick) {
    kill_third(1'240, 1'250);
    history_.add(5'100, EventKind::kReaped, 3);
    EXPECT_FALSE(verdict("P5").ok());
}

TEST_F(Membership, AStallOfOneThatIsStillJoiningKillsNobody) {
    history_.view(4'900, 1, HistoryBuilder::oid(1), two(2, "alive", 3, "joining"));
    history_.add(5'000, EventKind::kStop, 3);
    history_.add(5'500, EventKind::kContinue, 3);
    history_.view(5'800, 1, HistoryBuilder::oid(1), two(2, "alive", 3, "dead"));
    history_.view(6'000, 1, HistoryBuilder::oid(1), two(2, "alive", 3, "alive"));
    EXPECT_TRUE(verdict("P5").ok());
}

TEST_F(Membership, OneThatHasSaidGoodbyeMayTakeItsTimeToEnd) {
    history_.view(5'000, 1, HistoryBuilder::oid(1), two(2, "alive", 3, "left"));
    history_.add(15'000, EventKind::kEnd, 3, "leave");
    EXPECT_TRUE(verdict("P5").ok());
}

TEST_F(Membership, NobodyHasLeftWhoHasNotSaidSo) {
    history_.view(5'000, 1, HistoryBuilder::oid(1), two(2, "alive", 3, "left"));
    EXPECT_EQ(verdict("P5").violations, 1U);
}

TEST_F(Membership, FindsADeathThatIsNeverSeen) {
    history_.add(5'000, EventKind::kEnd, 3, "kill");
    history_.view(5'040, 1, HistoryBuilder::oid(1), two(2, "alive", 3, "dead"));
    EXPECT_EQ(verdict("P5").violations, 1U);
}

TEST_F(Membership, ASuccessorOnTheSamePortsIsNotTheDead) {
    history_.add(5'000, EventKind::kEnd, 3, "kill");
    history_.add(5'010, EventKind::kStart, 3);
    history_.view(5'100, 1, HistoryBuilder::oid(1), {{2, "n2-1", "alive"}, {3, "n3-2", "alive"}});
    history_.view(5'100, 2, HistoryBuilder::oid(2), {{1, "n1-1", "alive"}, {3, "n3-2", "alive"}});
    history_.view(5'100, 3, "n3-2", two(1, "alive", 2, "alive"));
    history_.add(5'011, EventKind::kCalm);
    EXPECT_TRUE(verdict("P5").ok());
    EXPECT_TRUE(verdict("P6").ok());
    EXPECT_EQ(report_->convergence.values.front(), 89ms);
}

TEST_F(Membership, AShortStallMustKillNobody) {
    history_.add(5'000, EventKind::kStop, 3);
    history_.view(5'600, 1, HistoryBuilder::oid(1), two(2, "alive", 3, "dead"));
    history_.add(5'700, EventKind::kContinue, 3);
    history_.view(6'500, 1, HistoryBuilder::oid(1), two(2, "alive", 3, "alive"));
    EXPECT_EQ(verdict("P5").violations, 1U);
}

TEST_F(Membership, ALongFreezeMustBeFoundInTime) {
    history_.add(5'000, EventKind::kStop, 3);
    history_.view(7'400, 1, HistoryBuilder::oid(1), two(2, "alive", 3, "dead"));
    history_.view(8'200, 2, HistoryBuilder::oid(2), two(1, "alive", 3, "dead"));
    history_.add(9'000, EventKind::kContinue, 3);
    history_.view(9'500, 1, HistoryBuilder::oid(1), two(2, "alive", 3, "alive"));
    history_.view(9'500, 2, HistoryBuilder::oid(2), two(1, "alive", 3, "alive"));
    EXPECT_EQ(verdict("P5").violations, 1U) << "node 2 was late";
    EXPECT_EQ(report_->freeze_detection.values, (std::vector<Duration>{2'400ms}));
}

TEST_F(Membership, WhoLivesMustNotBeHeldForDead) {
    history_.view(5'000, 1, HistoryBuilder::oid(1), two(2, "dead", 3, "alive"));
    history_.view(6'000, 1, HistoryBuilder::oid(1), two(2, "alive", 3, "alive"));
    EXPECT_EQ(verdict("P5").violations, 1U);
}

TEST_F(Membership, FindsAMemberThatIsMissingAfterTheFault) {
    kill_third(40, 40);
    history_.add(7'000, EventKind::kStart, 3);
    history_.add(7'001, EventKind::kCalm);
    history_.view(7'100, 3, "n3-2", two(1, "alive", 2, "alive"));
    history_.view(7'100, 1, HistoryBuilder::oid(1), {{2, "n2-1", "alive"}, {3, "n3-2", "alive"}});
    EXPECT_FALSE(verdict("P6").ok()) << "node 2 never sees the new process";
}

TEST_F(Membership, TheNextFaultMayComeBeforeTheMeshIsWhole) {
    kill_third(40, 40);
    history_.add(7'000, EventKind::kStart, 3);
    history_.add(7'001, EventKind::kCalm);
    history_.add(8'000, EventKind::kFault);
    history_.view(8'500, 3, "n3-2", two(1, "alive", 2, "alive"));
    history_.view(8'500, 1, HistoryBuilder::oid(1), {{2, "n2-1", "alive"}, {3, "n3-2", "alive"}});
    history_.view(8'500, 2, HistoryBuilder::oid(2), {{1, "n1-1", "alive"}, {3, "n3-2", "alive"}});
    EXPECT_TRUE(verdict("P6").ok());
    EXPECT_EQ(verdict("P6").exempted, 1U);
}

}  // namespace
}  // namespace tulle::chaos::membership_checker_test
