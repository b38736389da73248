#include "tests/unit/mesh/core/duty_mesh.hpp"

namespace tulle::mesh::duty_move_test {
namespace {

/// What happens to duties when members come and go.
class DutyMove : public testing::Test {
protected:
    void start(std::vector<std::uint64_t> oids) {
        for (const std::uint64_t oid : oids) {
            mesh_.add(oid);
        }
        mesh_.run();
    }
    /// A key that is `from`'s now and will be `to`'s when that one has joined.
    std::string key_that_moves(std::vector<OriginId> now, std::uint64_t from, std::uint64_t to) {
        std::vector<OriginId> later = now;
        later.push_back(OriginId{to});
        for (int i = 0;; ++i) {
            std::string key = "app/k" + std::to_string(i);
            if (duty_node(now, key) == OriginId{from} && duty_node(later, key) == OriginId{to}) {
                return key;
            }
        }
    }

    DutyMesh mesh_;
};

TEST_F(DutyMove, ANewcomerKnowsWhatWasDealtWith) {
    start({1, 2});
    const std::string key = key_that_moves({OriginId{1}, OriginId{2}}, 2, 3);
    mesh_.count(1, key, 2);
    mesh_.run();
    mesh_.deal(2);
    mesh_.add(3);
    mesh_.run();
    EXPECT_TRUE(mesh_.at(3).changed.empty());
    mesh_.count(1, key, 0);
    mesh_.run();
    ASSERT_EQ(mesh_.at(3).changed.size(), 1u);
    EXPECT_EQ(mesh_.at(3).changed[0].told, 2u);
    mesh_.deal(3);
    EXPECT_EQ(mesh_.at(2).changed.size(), 1u);
    EXPECT_EQ(mesh_.at(2).duties.duties() + mesh_.at(3).duties.duties(), 0u) << "nothing is left behind";
}

TEST_F(DutyMove, WaitsUntilAllHaveHandedOver) {
    start({1, 2});
    const std::string key = key_that_moves({OriginId{1}, OriginId{2}}, 2, 3);
    mesh_.count(1, key, 1);
    mesh_.run();
    mesh_.deal(2);
    mesh_.add(3);
    mesh_.count(1, key, 5);
    mesh_.run(false);
    EXPECT_TRUE(mesh_.at(3).changed.empty()) << "nobody has said that this is all";
    mesh_.run();
    ASSERT_EQ(mesh_.at(3).changed.size(), 1u);
    EXPECT_EQ(mesh_.at(3).changed[0].told, 1u);
    EXPECT_EQ(mesh_.at(3).duties.tally().impatient, 0u);
}

TEST_F(DutyMove, DoesNotWaitForEver) {
    start({1, 2});
    const std::string key = key_that_moves({OriginId{1}, OriginId{2}}, 2, 3);
    mesh_.add(3);
    mesh_.count(1, key, 5);
    mesh_.run_for(4s, false);
    EXPECT_TRUE(mesh_.at(3).changed.empty());
    mesh_.run_for(2s, false);
    EXPECT_EQ(mesh_.at(3).changed.size(), 1u);
    EXPECT_GT(mesh_.at(3).duties.tally().impatient, 0u);
}

TEST_F(DutyMove, ADutyBeingDoneIsFinishedWhereItWasBegun) {
    start({1, 2});
    const std::string key = key_that_moves({OriginId{1}, OriginId{2}}, 2, 3);
    mesh_.count(1, key, 1);
    mesh_.run();
    mesh_.add(3);
    mesh_.run_for(500ms);
    EXPECT_TRUE(mesh_.at(3).changed.empty());
    mesh_.deal(2);
    mesh_.run_for(2s);
    EXPECT_TRUE(mesh_.at(3).changed.empty()) << "it was told, and not twice";
    mesh_.count(1, key, 0);
    mesh_.run();
    EXPECT_EQ(mesh_.at(3).changed.size(), 1u);
}

TEST_F(DutyMove, ATargetThatHangsDoesNotHoldTheNewcomerUp) {
    start({1, 2});
    const std::string key = key_that_moves({OriginId{1}, OriginId{2}}, 2, 3);
    mesh_.count(1, key, 1);
    mesh_.run();
    mesh_.add(3);
    mesh_.run_for(1500ms);
    ASSERT_EQ(mesh_.at(3).changed.size(), 1u);
    mesh_.deal(3);
    mesh_.run_for(2s);
    EXPECT_EQ(mesh_.at(3).changed.size(), 1u);
    mesh_.deal(2);  // at last
    mesh_.run_for(2s);
    ASSERT_EQ(mesh_.at(3).changed.size(), 2u) << "the other's word may have come last";
    EXPECT_EQ(mesh_.at(3).changed[1].told, 0u);
    EXPECT_EQ(mesh_.at(3).changed[1].count, 1u);
    mesh_.deal(3);
    mesh_.run_for(5s);
    EXPECT_EQ(mesh_.at(3).changed.size(), 2u);
}

TEST_F(DutyMove, WhatHasNotGoneOutIsRevokedAndToldOnceByTheNewcomer) {
    start({1, 2});
    const std::string key = key_that_moves({OriginId{1}, OriginId{2}}, 2, 3);
    mesh_.count(1, key, 1);
    mesh_.run();
    mesh_.deal(2);
    mesh_.count(1, key, 0);
    mesh_.run();
    mesh_.add(3);
    mesh_.run();
    ASSERT_EQ(mesh_.at(2).revoked.size(), 1u);
    EXPECT_EQ(mesh_.at(2).revoked[0].token, mesh_.at(2).changed[1].token);
    mesh_.count(1, key, 2);
    mesh_.run();
    EXPECT_EQ(mesh_.at(2).changed.size(), 2u) << "what is revoked has no news";
    mesh_.count(1, key, 0);
    mesh_.drop(2, DutyOutcome::kDropped);
    ASSERT_EQ(mesh_.at(3).changed.size(), 1u);
    EXPECT_EQ(mesh_.at(3).changed[0].told, 1u);
    EXPECT_EQ(mesh_.at(3).changed[0].count, 0u);
    mesh_.deal(3);
    mesh_.run_for(5s);
    EXPECT_EQ(mesh_.at(3).changed.size(), 1u);
}

TEST_F(DutyMove, WhatMayHaveGoneOutIsToldAgainThoughNothingHasChanged) {
    start({1, 2});
    const std::string key = key_that_moves({OriginId{1}, OriginId{2}}, 2, 3);
    mesh_.count(1, key, 1);
    mesh_.run();
    mesh_.deal(2);
    mesh_.count(1, key, 0);
    mesh_.run();
    mesh_.add(3);
    mesh_.run();
    mesh_.count(1, key, 1);
    mesh_.drop(2, DutyOutcome::kUnknown);
    mesh_.run_for(5s);
    ASSERT_EQ(mesh_.at(3).changed.size(), 1u);
    EXPECT_EQ(mesh_.at(3).changed[0].told, 0u) << "perhaps it was told to be gone";
    EXPECT_EQ(mesh_.at(3).changed[0].count, 1u);
}

TEST_F(DutyMove, AGuestOfTheCutOffSideDoesNotHaveTheLastWord) {
    start({1, 2, 3});
    const std::string key = mesh_.key_of(2);
    mesh_.count(1, key, 1);
    mesh_.run();
    mesh_.deal(2);
    mesh_.part(1, 3);
    mesh_.part(2, 3);
    mesh_.run_for(3s);
    mesh_.count(3, key, 1);
    mesh_.run();
    mesh_.deal(3);
    mesh_.count(3, key, 0);
    mesh_.run();
    mesh_.deal(3);
    EXPECT_EQ(mesh_.at(3).changed.back().count, 0u);
    EXPECT_EQ(mesh_.at(3).duties.duties(), 0u) << "in a tombstone";
    mesh_.join(2, 3);
    mesh_.join(1, 3);
    mesh_.run_for(6s);
    ASSERT_EQ(mesh_.at(2).changed.size(), 2u);
    EXPECT_EQ(mesh_.at(2).changed[1].told, 0u);
    EXPECT_EQ(mesh_.at(2).changed[1].count, 1u);
}

TEST_F(DutyMove, WhatALostNodeMayHaveSaidLastIsToldAgainWhenItIsSurelyOver) {
    start({1, 2, 3});
    const std::string key = mesh_.key_of(2, 3);
    mesh_.count(1, key, 1);
    mesh_.run();
    mesh_.deal(2);
    mesh_.count(1, key, 0);
    mesh_.run();
    mesh_.count(1, key, 1);  // it is telling that there is none
    mesh_.kill(2);
    mesh_.run_for(1500ms);
    EXPECT_TRUE(mesh_.at(3).changed.empty()) << "its word may still be on its way";
    mesh_.run_for(1s);
    ASSERT_EQ(mesh_.at(3).changed.size(), 1u);
    EXPECT_EQ(mesh_.at(3).changed[0].told, 0u);
    EXPECT_EQ(mesh_.at(3).changed[0].count, 1u);
}

TEST_F(DutyMove, TombstonesAreBounded) {
    mesh_.limits.duty_tombstones = 10;
    start({1, 2});
    const std::string key = mesh_.key_of(2);
    for (int i = 0; i < 50; ++i) {
        mesh_.count(1, key, 1, "i" + std::to_string(i));
        mesh_.run();
        mesh_.deal(2);
        mesh_.count(1, key, 0, "i" + std::to_string(i));
        mesh_.run();
        mesh_.deal(2);
    }
    EXPECT_EQ(mesh_.at(2).duties.duties(), 0u);
    EXPECT_EQ(mesh_.at(2).duties.desk().tombstones(), 10u);
}

TEST_F(DutyMove, WhatWasNotDealtWithIsToldAgainWhenTheDutyNodeDies) {
    start({1, 2, 3});
    const std::string key = mesh_.key_of(2, 3);
    mesh_.count(1, key, 1);
    mesh_.run();
    mesh_.deal(2);
    mesh_.count(1, key, 0);
    mesh_.run();
    ASSERT_EQ(mesh_.at(2).changed.size(), 2u);
    mesh_.kill(2);
    mesh_.run_for(2500ms);
    ASSERT_EQ(mesh_.at(3).changed.size(), 1u);
    EXPECT_EQ(mesh_.at(3).changed[0].told, 1u);
    EXPECT_EQ(mesh_.at(3).changed[0].count, 0u);
    mesh_.deal(3);
    EXPECT_EQ(mesh_.at(1).duties.items(), 0u);
}

TEST_F(DutyMove, TheNextInRankKnowsWhatANodeCountedAndDidItself) {
    start({1, 2});
    const std::string key = mesh_.key_of(1, 2);
    mesh_.count(1, key, 3);
    mesh_.run();
    mesh_.deal(1);
    EXPECT_TRUE(mesh_.at(2).changed.empty());
    mesh_.kill(1);
    mesh_.run_for(1500ms);
    EXPECT_TRUE(mesh_.at(2).changed.empty()) << "it, or its clients, may come again";
    mesh_.run_for(1s);
    ASSERT_EQ(mesh_.at(2).changed.size(), 1u);
    EXPECT_EQ(mesh_.at(2).changed[0].told, 3u);
    EXPECT_EQ(mesh_.at(2).changed[0].count, 0u);
}

TEST_F(DutyMove, TheNextInRankTellsANewcomerThatTakesThePlaceOfTheLostNode) {
    start({1, 2});
    const std::vector<OriginId> before{OriginId{1}, OriginId{2}};
    const std::vector<OriginId> after{OriginId{1}, OriginId{3}};
    std::string key;
    for (int i = 0; key.empty() || duty_node(before, key) != OriginId{2} || duty_node(after, key) != OriginId{3}; ++i) {
        key = "app/k" + std::to_string(i);
    }
    mesh_.count(2, key, 3);
    mesh_.run();
    mesh_.deal(2);
    mesh_.kill(2);
    mesh_.add(3);  // in the same turn
    mesh_.run_for(1500ms);
    EXPECT_TRUE(mesh_.at(3).changed.empty());
    mesh_.run_for(2s);
    ASSERT_EQ(mesh_.at(3).changed.size(), 1u);
    EXPECT_EQ(mesh_.at(3).changed[0].told, 3u);
    EXPECT_EQ(mesh_.at(3).changed[0].count, 0u);
    mesh_.deal(3);
    mesh_.run_for(5s);
    EXPECT_EQ(mesh_.at(3).changed.size(), 1u);
    EXPECT_EQ(mesh_.at(1).duties.items(), 0u);
}

TEST_F(DutyMove, AMemberThatComesAgainInTimeChangesNothing) {
    start({1, 2});
    const std::string key = mesh_.key_of(2);
    mesh_.count(1, key, 3);
    mesh_.run();
    mesh_.deal(2);
    mesh_.part(1, 2);
    mesh_.run_for(1s);
    mesh_.join(1, 2);
    mesh_.run_for(5s);
    EXPECT_EQ(mesh_.at(2).changed.size(), 1u);
}

TEST_F(DutyMove, AfterASplitTheSurvivorsBeliefIsToldAgain) {
    start({1, 2});
    const std::string key = mesh_.key_of(2);
    mesh_.count(1, key, 3);
    mesh_.run();
    mesh_.deal(2);
    mesh_.part(1, 2);
    mesh_.run_for(3s);
    ASSERT_EQ(mesh_.at(2).changed.size(), 2u);
    EXPECT_EQ(mesh_.at(2).changed.back().count, 0u);
    mesh_.deal(2);
    mesh_.join(1, 2);
    mesh_.run_for(1s);
    ASSERT_EQ(mesh_.at(2).changed.size(), 3u) << "the world outside believes that there is none";
    EXPECT_EQ(mesh_.at(2).changed.back().told, 0u);
    EXPECT_EQ(mesh_.at(2).changed.back().count, 3u);
}

TEST_F(DutyMove, ALeaverHandsItsDutiesOverFirst) {
    start({1, 2});
    const std::string key = mesh_.key_of(2);
    mesh_.count(1, key, 3);
    mesh_.run();
    mesh_.deal(2);
    mesh_.at(2).duties.leave(mesh_.now);
    mesh_.count(1, key, 0);
    mesh_.run();
    EXPECT_TRUE(mesh_.at(2).duties.delivered(OriginId{1}));
    EXPECT_EQ(mesh_.at(2).changed.size(), 1u) << "who leaves begins nothing";
    mesh_.kill(2, true);
    mesh_.run();
    ASSERT_EQ(mesh_.at(1).changed.size(), 1u);
    EXPECT_EQ(mesh_.at(1).changed[0].told, 3u);
}

TEST_F(DutyMove, ALeaverWaitsForWhatIsUnderWayAndHandsItOver) {
    start({1, 2});
    const std::string key = mesh_.key_of(2);
    mesh_.count(2, key, 3);
    mesh_.run();
    mesh_.deal(2);
    mesh_.count(2, key, 0);
    mesh_.run();
    ASSERT_EQ(mesh_.at(2).changed.size(), 2u) << "held, say";
    mesh_.at(2).duties.leave(mesh_.now);
    mesh_.run();
    ASSERT_EQ(mesh_.at(2).revoked.size(), 1u);
    EXPECT_FALSE(mesh_.at(2).duties.delivered(OriginId{1}));
    mesh_.drop(2, DutyOutcome::kDropped);
    EXPECT_TRUE(mesh_.at(2).duties.delivered(OriginId{1}));
    mesh_.kill(2, true);
    mesh_.run_for(3s);
    ASSERT_FALSE(mesh_.at(1).changed.empty());
    EXPECT_EQ(mesh_.at(1).changed.back().told, 3u);
    EXPECT_EQ(mesh_.at(1).changed.back().count, 0u);
}

TEST_F(DutyMove, ALeaverWaitsForNoOneToBeSureOfAWordInDoubt) {
    start({1, 2});
    const std::string key = mesh_.key_of(2);
    mesh_.count(2, key, 3);
    mesh_.run();
    mesh_.deal(2);
    mesh_.count(2, key, 0);
    mesh_.run();
    mesh_.at(2).duties.leave(mesh_.now);
    mesh_.run();
    mesh_.drop(2, DutyOutcome::kUnknown);
    EXPECT_TRUE(mesh_.at(2).duties.delivered(OriginId{1}))
        << "the heir takes the duty for the leaver's still, and keeps the doubt";
    const std::uint64_t mails = mesh_.mails;
    mesh_.run();
    EXPECT_EQ(mesh_.mails, mails) << "nothing goes to and fro";
    mesh_.kill(2, true);
    mesh_.run_for(3s);
    ASSERT_FALSE(mesh_.at(1).changed.empty());
    EXPECT_EQ(mesh_.at(1).changed.back().told, 1u) << "the whole truth, as nobody knows what was heard";
    EXPECT_EQ(mesh_.at(1).changed.back().count, 0u);
}

TEST_F(DutyMove, TwoThatLeaveAtOnceLoseNoDoubt) {
    for (const std::uint64_t first : {2u, 3u}) {
        DutyMesh mesh;
        for (const std::uint64_t oid : {1u, 2u, 3u}) {
            mesh.add(oid);
        }
        mesh.run();
        const std::string key = mesh.key_of(2, 3);
        mesh.count(2, key, 3);
        mesh.run();
        mesh.deal(2);
        mesh.count(2, key, 0);
        mesh.run();
        mesh.at(2).duties.leave(mesh.now);
        mesh.at(3).duties.leave(mesh.now);
        mesh.run();
        mesh.drop(2, DutyOutcome::kUnknown);
        for (const auto& [from, to] : {std::pair{2u, 1u}, {2u, 3u}, {3u, 1u}, {3u, 2u}}) {
            EXPECT_TRUE(mesh.at(from).duties.delivered(OriginId{to})) << from << " to " << to;
        }
        mesh.kill(first, true);
        mesh.run();
        const std::uint64_t second = 5 - first;
        EXPECT_TRUE(mesh.at(second).duties.delivered(OriginId{1})) << second;
        mesh.kill(second, true);
        mesh.run_for(3s);
        ASSERT_FALSE(mesh.at(1).changed.empty()) << first << " goes first";
        EXPECT_EQ(mesh.at(1).changed.back().told, 1u);
        EXPECT_EQ(mesh.at(1).changed.back().count, 0u);
    }
}

TEST_F(DutyMove, WhoSaidSomethingWhileCutOffKeepsItUntilTheDutyNodeHasHeardOfIt) {
    start({1, 2, 3});
    const std::string key = mesh_.key_of(3, 2);
    for (const std::uint64_t count : {1u, 2u, 1u}) {
        mesh_.count(3, key, count);
        mesh_.run();
        mesh_.deal(3);
    }
    mesh_.part(1, 2);
    mesh_.part(1, 3);
    mesh_.run_for(3s);
    for (const std::uint64_t count : {1u, 0u}) {
        mesh_.count(1, key, count);
        mesh_.run();
        mesh_.deal(1);
    }
    ASSERT_EQ(mesh_.at(1).changed.back().count, 0u);
    mesh_.cut(2, 3);
    mesh_.join(1, 2);  // which takes the duty for that of 3, and passes on what does not arrive
    mesh_.run_for(1s);
    ASSERT_EQ(mesh_.at(3).changed.size(), 3u);
    mesh_.kill(2, true);
    mesh_.join(1, 3);
    mesh_.run_for(6s);
    ASSERT_EQ(mesh_.at(3).changed.size(), 4u) << "the world outside believes that there is none";
    EXPECT_EQ(mesh_.at(3).changed.back().told, 0u);
    EXPECT_EQ(mesh_.at(3).changed.back().count, 1u);
    mesh_.deal(3);
    mesh_.run();
    EXPECT_EQ(mesh_.at(1).duties.items(), 0u) << "nothing is left behind";
}

TEST_F(DutyMove, ADoubtAboutAMemberThatTheNextDeskNeverMetWaitsForItsLastBreath) {
    start({1, 2, 3});
    const std::string key = mesh_.key_of(3, 2);
    mesh_.kill(3, true);
    mesh_.run_for(3s);
    mesh_.count(1, key, 3);
    mesh_.run();
    ASSERT_FALSE(mesh_.at(2).changed.empty()) << "held, say";
    mesh_.kill(2);
    mesh_.add(3);
    mesh_.run_for(1s);
    EXPECT_TRUE(mesh_.at(3).changed.empty()) << "what the lost node was telling may still be on its way";
    mesh_.run_for(2s);
    ASSERT_EQ(mesh_.at(3).changed.size(), 1u);
    EXPECT_EQ(mesh_.at(3).changed[0].count, 3u);
}

TEST_F(DutyMove, ManyItemsMoveInSlices) {
    mesh_.limits.duty_slice = 16 * 100;
    start({1, 2});
    for (int i = 0; i < 3000; ++i) {
        mesh_.count(1, "app/k" + std::to_string(i), 1);
    }
    mesh_.run();
    mesh_.add(3);
    Duties::Out out;
    mesh_.at(1).duties.work(mesh_.now, out);
    std::size_t moved = 0;
    for (const auto& [to, mail] : out.mails) {
        moved += to == OriginId{3} ? mail.reports.size() : 0;
    }
    EXPECT_GT(moved, 0u);
    EXPECT_LE(moved, 100u);
    EXPECT_EQ(mesh_.at(1).duties.next_deadline(), Instant{}) << "goes on at once";
    EXPECT_EQ(mesh_.at(1).duties.claim(mesh_.now, OriginId{3}), 0u) << "not yet";
    mesh_.run_for(1s);
    EXPECT_EQ(mesh_.at(1).duties.items(), 3000u);
}

TEST_F(DutyMove, TheOtherSidesOlderSettleDoesNotOverrideAWordItHadNotHeard) {
    start({1, 2, 3});
    const std::string key = mesh_.key_of(2, 1);
    mesh_.part(1, 2);
    mesh_.part(1, 3);
    mesh_.run_for(3s);
    mesh_.count(3, key, 2);
    mesh_.run();
    mesh_.deal(2);
    mesh_.count(3, key, 1);
    mesh_.run();
    mesh_.deal(2);
    mesh_.count(1, key, 3);
    mesh_.run_for(3s);
    ASSERT_FALSE(mesh_.at(1).changed.empty()) << "the cut off node does the duty on its side";
    mesh_.deal(1);
    mesh_.count(1, key, 0);
    mesh_.run();
    mesh_.to_lose = 1000;
    mesh_.join(1, 2);
    mesh_.join(1, 3);
    mesh_.run();
    mesh_.drop(1, DutyOutcome::kDropped);
    mesh_.to_lose = 0;
    mesh_.run_for(6s);
    ASSERT_EQ(mesh_.at(2).changed.size(), 3u) << "of 1 and 3, nobody knows which was told last: it is told again";
    EXPECT_EQ(mesh_.at(2).changed.back().count, 1u);
}

}  // namespace
}  // namespace tulle::mesh::duty_move_test
