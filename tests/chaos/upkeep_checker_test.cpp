#include <gtest/gtest.h>

#include <optional>

#include "tests/chaos/history_builder.hpp"
#include "tests/chaos/judged.hpp"
#include "tools/chaos/checker.hpp"

namespace tulle::chaos::upkeep_checker_test {
namespace {

/// P7 and P8: what goes on all the time.
class Upkeep : public Judged {
protected:
    /// A canary of the node, delivered to all subscriptions but one.
    void canary(int at, std::uint32_t node, std::uint64_t number, std::uint32_t deaf = 0) {
        history_.publish(at, node, number).text = kCanary;
        for (std::uint32_t subscription = 1; subscription <= 3; ++subscription) {
            if (subscription != deaf) {
                history_.deliver(at + 2, subscription, node, number);
            }
        }
    }
};

TEST_F(Upkeep, ANodeMayGrowByItsRingsAndCreditsAndNoMore) {
    constexpr std::uint64_t kAllowed = 64 + 2 * (16 + 16) + 32;
    ASSERT_EQ(memory_allowed(3), kAllowed << 20);
    history_.memory(4'900, 1, 50);
    history_.memory(4'900, 2, 50);
    history_.add(5'000, EventKind::kStop, 3);
    history_.memory(30'000, 1, 50 + kAllowed);
    history_.memory(30'000, 2, 51 + kAllowed);
    history_.add(65'000, EventKind::kContinue, 3);
    report_ = history_.check_until(80'000);
    EXPECT_EQ(verdict("P7").checked, 2U);
    EXPECT_EQ(verdict("P7").violations, 1U) << "node 2";
    EXPECT_EQ(report_->memory_growth, (kAllowed + 1) << 20);
    EXPECT_EQ(report_->memory_peak, (kAllowed + 51) << 20);
}

TEST_F(Upkeep, MemoryOfAProcessThatBeganDuringTheFreezeIsNotJudged) {
    history_.memory(4'900, 1, 50);
    history_.add(5'000, EventKind::kStop, 3);
    history_.add(6'000, EventKind::kEnd, 1, "kill");
    history_.add(6'100, EventKind::kStart, 1);
    history_.memory(7'000, 1, 5'000);
    history_.add(15'000, EventKind::kContinue, 3);
    EXPECT_EQ(verdict("P7").checked, 0U);
}

TEST_F(Upkeep, EveryPairCarriesBothWays) {
    history_.add(5'000, EventKind::kCalm);
    for (std::uint32_t node = 1; node <= 3; ++node) {
        canary(11'000, node, 1);
    }
    EXPECT_EQ(verdict("P8").checked, 6U);
    EXPECT_EQ(verdict("P8").violations, 0U);
}

TEST_F(Upkeep, FindsADirectionThatIsDeaf) {
    history_.add(5'000, EventKind::kCalm);
    canary(11'000, 1, 1, 3);
    canary(11'000, 2, 1);
    canary(11'000, 3, 1);
    EXPECT_EQ(verdict("P8").violations, 1U);
    EXPECT_EQ(verdict("P8").details.front(), "deaf: n1 to n3 from 10.000000 on");
}

TEST_F(Upkeep, APairThatRecoversBetweenTwoFaultsIsFoundAtTheFirst) {
    history_.add(5'000, EventKind::kCalm);
    canary(11'000, 1, 1, 3);
    history_.add(13'000, EventKind::kFault);
    history_.add(14'000, EventKind::kCalm);
    for (std::uint32_t node = 1; node <= 3; ++node) {
        canary(20'000, node, 2);
    }
    EXPECT_EQ(verdict("P8").violations, 1U);
    EXPECT_EQ(verdict("P8").checked, 8U) << "n1 to both in the first quiet time, all in the last";
}

TEST_F(Upkeep, InTheEndNobodyMayHaveBeenUnableToSay) {
    history_.add(5'000, EventKind::kCalm);
    canary(11'000, 1, 1);
    canary(11'000, 2, 1);
    EXPECT_EQ(verdict("P8").violations, 2U) << "node 3 accepted nothing";
}

TEST_F(Upkeep, AnOrdinaryMessageIsNoCanary) {
    history_.add(5'000, EventKind::kCalm);
    canary(11'000, 1, 1);
    canary(11'000, 2, 1);
    history_.publish(11'000, 3, 1);
    for (std::uint32_t subscription = 1; subscription <= 3; ++subscription) {
        history_.deliver(11'002, subscription, 3, 1);
    }
    EXPECT_EQ(verdict("P8").violations, 2U);
}

}  // namespace
}  // namespace tulle::chaos::upkeep_checker_test
