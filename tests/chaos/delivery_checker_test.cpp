#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

#include "tests/chaos/history_builder.hpp"
#include "tools/chaos/checker.hpp"

namespace tulle::chaos::delivery_checker_test {
namespace {

/// Messages 1 to 3 of publisher 1, delivered to all but as told.
class Delivery : public ::testing::Test {
protected:
    void publish_three() {
        for (std::uint64_t number = 1; number <= 3; ++number) {
            history_.publish(2'000 + static_cast<int>(number) * 100, 1, number);
        }
    }
    void deliver_all_but(std::uint32_t to, std::uint64_t missing) {
        for (std::uint32_t subscription = 1; subscription <= 3; ++subscription) {
            for (std::uint64_t number = 1; number <= 3; ++number) {
                if (subscription != to || number != missing) {
                    history_.deliver(2'005 + static_cast<int>(number) * 100, subscription, 1, number);
                }
            }
        }
    }
    std::uint64_t violations(const std::string& id) {
        if (!report_) {
            report_ = history_.check_until(20'000);
        }
        return verdict_of(*report_, id).violations;
    }
    std::uint64_t exempted(const std::string& id) { return verdict_of(*report_, id).exempted; }

    HistoryBuilder history_;
    std::optional<Report> report_;
};

TEST_F(Delivery, FindsALostLastMessage) {
    publish_three();
    deliver_all_but(2, 3);
    EXPECT_EQ(violations("P1"), 1U);
    EXPECT_EQ(violations("P3"), 0U) << "nothing after it shows the hole";
}

TEST_F(Delivery, FindsAHoleThatNobodyWasToldOf) {
    publish_three();
    deliver_all_but(2, 2);
    EXPECT_EQ(violations("P1"), 1U);
    EXPECT_EQ(violations("P3"), 1U);
}

TEST_F(Delivery, AnAnnouncedGapExcusesAsManyAsItSays) {
    publish_three();
    deliver_all_but(2, 2);
    history_.publish(2'400, 1, 4);
    history_.publish(2'500, 1, 5);
    for (std::uint32_t subscription = 1; subscription <= 3; ++subscription) {
        history_.deliver(2'505, subscription, 1, 5);
    }
    history_.deliver(2'405, 1, 1, 4);
    history_.deliver(2'405, 3, 1, 4);
    history_.gap(2'450, 2, 1);
    EXPECT_EQ(violations("P1"), 1U) << "two are missing, one was announced";
    EXPECT_EQ(violations("P3"), 1U);
    EXPECT_EQ(exempted("P1"), 1U);
    EXPECT_EQ(exempted("P3"), 1U);
}

TEST_F(Delivery, AChangeOfTheKeyDelaysNothingForLongerThanPromised) {
    // Whoever unsubscribes 0.9 s after message 3 has 0.5 s in other times, and 1.5 s while the key changes.
    for (const std::string fault : {"kill n3", "rotate n1 n2 n3"}) {
        for (const int end : {3'200, 4'000}) {
            history_ = {};
            report_.reset();
            history_.add(2'050, EventKind::kFault, 0, fault);
            publish_three();
            deliver_all_but(2, 3);
            history_.unsubscribe(end, 2);
            history_.add(6'000, EventKind::kCalm, 0, fault);
            const bool is_excused = fault.starts_with("rotate") && end == 3'200;
            EXPECT_EQ(violations("P1"), is_excused ? 0U : 1U) << fault << ", " << end;
            EXPECT_EQ(exempted("P1"), is_excused ? 1U : 0U) << fault << ", " << end;
        }
    }
}

TEST_F(Delivery, FindsADuplicate) {
    publish_three();
    deliver_all_but(0, 0);
    history_.deliver(9'000, 3, 1, 1);
    EXPECT_EQ(violations("P2"), 1U);
}

TEST_F(Delivery, FindsOneThatHasBeenOvertaken) {
    publish_three();
    deliver_all_but(2, 1);
    history_.deliver(2'250, 2, 1, 1);
    EXPECT_EQ(violations("P2"), 1U);
    EXPECT_EQ(violations("P1"), 0U);
}

TEST_F(Delivery, FindsOneThatWasNeverPublishedAndOneThatWasRefused) {
    history_.publish(2'100, 1, 1, EventKind::kRefused);
    history_.deliver(2'105, 2, 1, 1);
    history_.deliver(2'106, 2, 1, 77);
    EXPECT_EQ(violations("P2"), 2U);
}

TEST_F(Delivery, AMessageInDoubtHasNoPlaceInTheOrderButComesOnce) {
    history_.publish(2'100, 1, 1, EventKind::kUnknown);
    history_.publish(2'200, 1, 2);
    for (std::uint32_t subscription = 1; subscription <= 3; ++subscription) {
        history_.deliver(2'205, subscription, 1, 2);
    }
    history_.deliver(2'300, 2, 1, 1);
    history_.deliver(2'301, 2, 1, 1);
    EXPECT_EQ(violations("P2"), 1U);
}

TEST_F(Delivery, AGapExcusesNothingElsewhere) {
    publish_three();
    deliver_all_but(2, 2);
    history_.publish(2'400, 2, 1);
    history_.publish(2'500, 2, 2);
    history_.publish(2'600, 2, 3);
    for (std::uint32_t subscription = 1; subscription <= 3; ++subscription) {
        history_.deliver(2'405, subscription, 2, 1);
        if (subscription != 2) {
            history_.deliver(2'505, subscription, 2, 2);
        }
        history_.deliver(2'605, subscription, 2, 3);
    }
    history_.gap(2'700, 2, 5);
    EXPECT_EQ(violations("P1"), 2U) << "both lie before what had come of their publishers when the gap was told";
    EXPECT_EQ(violations("P3"), 2U);
}

TEST_F(Delivery, AGapExcusesNothingThatWasSentAfterIt) {
    history_.gap(2'250, 2, 5);
    publish_three();
    deliver_all_but(2, 3);
    EXPECT_EQ(violations("P1"), 1U);
}

TEST_F(Delivery, AGapExcusesNothingOfLongAgo) {
    publish_three();
    deliver_all_but(2, 3);
    history_.gap(12'000, 2, 5);
    EXPECT_EQ(violations("P1"), 1U);
}

TEST_F(Delivery, ButWhatAFreezeHeldUpIsExcusedByTheGapAfterIt) {
    history_.add(2'250, EventKind::kStop, 1);
    publish_three();
    deliver_all_but(2, 3);
    history_.add(11'000, EventKind::kContinue, 1);
    history_.gap(12'000, 2, 5);
    EXPECT_EQ(violations("P1") + violations("P6"), 0U);
    EXPECT_EQ(exempted("P6"), 1U);
}

TEST_F(Delivery, IsOwedToWhoGoesSoonAfter) {
    publish_three();
    deliver_all_but(2, 3);
    history_.unsubscribe(2'900, 2);
    EXPECT_EQ(violations("P1"), 1U);
    EXPECT_EQ(exempted("P1"), 0U);
}

TEST_F(Delivery, IsNotOwedToWhoGoesWhileItIsOnItsWay) {
    publish_three();
    deliver_all_but(2, 3);
    history_.unsubscribe(2'700, 2);
    EXPECT_EQ(violations("P1"), 0U);
    EXPECT_EQ(exempted("P1"), 1U);
}

TEST_F(Delivery, IsOwedToTheClientsOfANodeThatLeaves) {
    history_.publish(3'000, 1, 1);
    history_.deliver(3'003, 1, 1, 1);
    history_.deliver(3'003, 3, 1, 1);
    history_.unsubscribe(5'000, 2);
    history_.add(5'100, EventKind::kEnd, 2, "leave");
    EXPECT_EQ(violations("P1"), 1U);
}

TEST_F(Delivery, WhatWasAcceptedJustBeforeTheKillMayBeLostByAll) {
    history_.publish(2'900, 1, 1);
    history_.add(3'000, EventKind::kEnd, 1, "kill");
    history_.unsubscribe(3'001, 1);
    EXPECT_EQ(violations("P1"), 0U);
    EXPECT_EQ(violations("P4"), 0U);
    EXPECT_EQ(exempted("P4"), 0U);
    EXPECT_EQ(verdict_of(*report_, "P4").notes, (std::map<std::string, std::uint64_t>{{"lost by all", 1}}));
}

TEST_F(Delivery, ButNotByOneOfTheSurvivorsOnly) {
    history_.publish(2'900, 1, 1);
    history_.deliver(2'903, 2, 1, 1);
    history_.add(3'000, EventKind::kEnd, 1, "kill");
    history_.unsubscribe(3'001, 1);
    EXPECT_EQ(violations("P4"), 1U);
}

TEST_F(Delivery, AGapOfASurvivorExcusesAsManyAsItSays) {
    for (std::uint64_t number = 1; number <= 2; ++number) {
        history_.publish(2'900, 1, number);
        history_.deliver(2'903, 2, 1, number);
    }
    history_.add(3'000, EventKind::kEnd, 1, "kill");
    history_.unsubscribe(3'001, 1);
    history_.gap(3'400, 3, 1);
    EXPECT_EQ(violations("P4"), 1U);
    EXPECT_EQ(exempted("P4"), 1U);
}

TEST_F(Delivery, WhoLeavesOnPurposeOwesAllHeAccepted) {
    history_.publish(2'900, 1, 1);
    history_.deliver(2'903, 2, 1, 1);
    history_.add(3'000, EventKind::kEnd, 1, "leave");
    history_.unsubscribe(3'001, 1);
    EXPECT_EQ(violations("P1"), 1U) << "subscription 3 has it not";
}

TEST_F(Delivery, WhatIsLostAcrossAThawIsAViolationOfTheHeal) {
    history_.add(3'000, EventKind::kStop, 2);
    history_.publish(3'500, 1, 1);
    history_.deliver(3'505, 1, 1, 1);
    history_.deliver(3'505, 3, 1, 1);
    history_.add(3'900, EventKind::kContinue, 2);
    EXPECT_EQ(violations("P6"), 1U);
    EXPECT_EQ(violations("P1"), 0U);
}

TEST_F(Delivery, IsNotOwedBetweenTwoThatHadNotMet) {
    history_.add(5'000, EventKind::kEnd, 2, "kill");
    history_.unsubscribe(5'001, 2);
    history_.add(5'000, EventKind::kEnd, 1, "kill");
    history_.unsubscribe(5'001, 1);
    history_.add(6'000, EventKind::kStart, 1);
    history_.add(6'000, EventKind::kStart, 2);
    history_.subscribe(6'100, 12, 2);
    history_.publish(6'200, 1, 1);
    EXPECT_EQ(violations("P1"), 0U);
}

TEST_F(Delivery, IsOwedBetweenTwoThatHadLongHadTheTimeToMeet) {
    for (const std::uint32_t seed : {1U, 2U}) {
        history_.add(5'000, EventKind::kEnd, seed, "kill");
        history_.unsubscribe(5'001, seed);
        history_.add(6'000, EventKind::kStart, seed);
    }
    history_.subscribe(6'100, 12, 2);
    history_.publish(15'000, 1, 1);
    history_.deliver(15'005, 3, 1, 1);
    EXPECT_EQ(violations("P1"), 1U) << "subscription 12 has it not";
}

TEST_F(Delivery, IsNotOwedBetweenTwoThatKnowOfEachOtherWithoutASessionYet) {
    for (const std::uint32_t seed : {1U, 2U}) {
        history_.add(5'000, EventKind::kEnd, seed, "kill");
        history_.unsubscribe(5'001, seed);
        history_.add(6'000, EventKind::kStart, seed);
    }
    const auto views = [this](int at, const std::string& state) {
        history_.view(at, 1, "n1-2", {{3, "n3-1", state}});
        history_.view(at, 3, "n3-1", {{1, "n1-2", state}});
    };
    views(6'100, "joining");
    history_.publish(6'150, 1, 1);
    views(6'200, "alive");
    history_.publish(6'300, 1, 2);
    EXPECT_EQ(violations("P1"), 1U) << "the second alone: they have met by then";
}

TEST_F(Delivery, IsOwedByANewProcessThatCouldAskASeed) {
    history_.add(5'000, EventKind::kEnd, 3, "kill");
    history_.unsubscribe(5'001, 3);
    history_.add(5'100, EventKind::kStart, 3);
    history_.publish(5'300, 3, 1);
    history_.deliver(5'305, 1, 3, 1);
    EXPECT_EQ(violations("P1"), 1U) << "subscription 2 has it not";
}

}  // namespace
}  // namespace tulle::chaos::delivery_checker_test
