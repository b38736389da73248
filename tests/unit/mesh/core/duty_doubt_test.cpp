#include "tests/unit/mesh/core/duty_mesh.hpp"

namespace tulle::mesh::duty_doubt_test {
namespace {

/// What becomes of a duty that was told to some of the world outside, but not to all, when it moves.
class DutyDoubt : public testing::Test {
protected:
    void start(std::vector<std::uint64_t> oids) {
        for (const std::uint64_t oid : oids) {
            mesh_.add(oid);
        }
        mesh_.run();
    }
    /// Node 2 tells the present counts. Then `goer` counts 0; node 2 tells that `told` are left, unheard by node 1, and
    /// dies before the survivors agree on their view.
    void tell_past_node_1(const std::string& key, std::uint64_t goer, std::uint64_t told) {
        mesh_.run();
        mesh_.deal(2);
        mesh_.mute(1, 2);
        mesh_.count(goer, key, 0);
        mesh_.run();
        ASSERT_EQ(mesh_.at(2).changed.back().count, told);
        mesh_.deal(2);
        mesh_.run_for(500ms);
        mesh_.kill(2);
        mesh_.run(false);
    }
    /// Node 1 counts `count`; node 2 is asked to tell it, leaves and has told it to all but `behind`.
    void tell_partly(const std::string& key, std::uint64_t count, const std::string& behind) {
        mesh_.count(1, key, count);
        mesh_.run();
        mesh_.at(2).duties.leave(mesh_.now);
        mesh_.run();
        answer(2, count, behind);
    }
    void answer(std::uint64_t oid, std::uint64_t told, const std::string& behind) {
        mesh_.at(oid).duties.done(mesh_.now,
                                  {mesh_.at(oid).revoked.back().token, told, DutyOutcome::kPartly, share(behind)});
        mesh_.run();
    }
    void expect_told(std::uint64_t oid, std::uint64_t told, std::uint64_t count, const std::string& behind) {
        ASSERT_FALSE(mesh_.at(oid).changed.empty());
        const DutyChanged& last = mesh_.at(oid).changed.back();
        EXPECT_EQ(std::pair(last.told, last.count), std::pair(told, count));
        ASSERT_TRUE(last.behind);
        EXPECT_EQ(*last.behind, behind);
    }

    DutyMesh mesh_;
};

TEST_F(DutyDoubt, TheNextNodeLearnsWhoIsBehindAndTellsItOnce) {
    start({1, 2, 3});
    tell_partly(mesh_.key_of(2, 3), 4, "b");
    mesh_.kill(2, true);
    mesh_.run_for(3s);
    expect_told(3, 4, 4, "b");
    mesh_.deal(3);
    mesh_.run_for(5s);
    EXPECT_EQ(mesh_.at(3).changed.size(), 1u);
}

TEST_F(DutyDoubt, WhatHasChangedMeanwhileIsToldFromWhatTheOthersKnow) {
    start({1, 2, 3});
    const std::string key = mesh_.key_of(2, 3);
    tell_partly(key, 4, "b");
    mesh_.kill(2, true);
    mesh_.count(1, key, 0);
    mesh_.run_for(3s);
    expect_told(3, 4, 0, "b");
    mesh_.count(1, key, 1);
    mesh_.run();
    expect_told(3, 4, 1, "b");
}

TEST_F(DutyDoubt, AnItemThatNobodyHoldsAnyMoreIsToldToWhoIsBehind) {
    start({1, 2, 3});
    const std::string key = mesh_.key_of(2, 3);
    mesh_.count(1, key, 1);
    mesh_.run();
    mesh_.deal(2);
    tell_partly(key, 0, "b");
    mesh_.kill(2, true);
    mesh_.run_for(3s);
    expect_told(3, 0, 0, "b");
    mesh_.deal(3);
    mesh_.run_for(5s);
    EXPECT_EQ(mesh_.at(3).changed.size(), 1u);
    EXPECT_EQ(mesh_.at(3).duties.duties(), 0u) << "nothing is left behind";
}

TEST_F(DutyDoubt, WhoHasTheDutyBeforeItSeesTheOtherLeaveKeepsTheName) {
    start({1, 2, 3});
    const std::string key = mesh_.key_of(2, 3);
    mesh_.count(1, key, 1);
    mesh_.run();
    mesh_.at(2).duties.leave(mesh_.now);
    mesh_.run(false);  // node 3 does not know of it
    answer(2, 1, "b");
    mesh_.kill(2, true);
    mesh_.run_for(3s);
    expect_told(3, 1, 1, "b");
}

TEST_F(DutyDoubt, TheNameGoesOnWithADutyThatWasNotBegun) {
    start({1, 2, 3});
    const std::string key = mesh_.key_of(2, 3);
    tell_partly(key, 1, "b");
    mesh_.kill(2, true);
    mesh_.run_for(3s);
    expect_told(3, 1, 1, "b");
    mesh_.at(3).duties.leave(mesh_.now);
    mesh_.run();
    mesh_.drop(3, DutyOutcome::kDropped);
    mesh_.kill(3, true);
    mesh_.run_for(3s);
    expect_told(1, 1, 1, "b");
}

TEST_F(DutyDoubt, WhatIsSaidTooLateMayHaveBeenHeardByAnybody) {
    start({1, 2});
    const std::vector<OriginId> two{OriginId{1}, OriginId{2}};
    const std::vector<OriginId> three{OriginId{1}, OriginId{2}, OriginId{3}};
    std::string key = "app/k";
    while (duty_node(two, key) != OriginId{2} || duty_node(three, key) != OriginId{3}) {
        key += 'k';
    }
    mesh_.count(1, key, 1);
    mesh_.run();
    mesh_.add(3);
    mesh_.run_for(1500ms);
    ASSERT_EQ(mesh_.at(3).changed.size(), 1u) << "it waits no longer";
    mesh_.deal(3);
    answer(2, 1, "b");
    mesh_.run_for(3s);
    expect_told(3, 0, 1, "");
}

TEST_F(DutyDoubt, WhoDiesWithItLeavesADoubtAboutEverybody) {
    start({1, 2, 3});
    const std::string key = mesh_.key_of(2, 3);
    tell_partly(key, 1, "b");
    mesh_.kill(2, true);
    mesh_.run_for(3s);
    mesh_.kill(3);
    mesh_.run_for(5s);
    expect_told(1, 0, 1, "");
}

TEST_F(DutyDoubt, ANameThatIsTooLongIsEverybody) {
    start({1, 2, 3});
    tell_partly(mesh_.key_of(2, 3), 1, std::string(kMaxDutyBehindBytes + 1, 'b'));
    mesh_.kill(2, true);
    mesh_.run_for(3s);
    expect_told(3, 0, 1, "");
}

TEST_F(DutyDoubt, WhatIsSureNamesNobody) {
    start({1, 2});
    const std::string key = mesh_.key_of(2);
    mesh_.count(1, key, 1);
    mesh_.run();
    ASSERT_EQ(mesh_.at(2).changed.size(), 1u);
    EXPECT_FALSE(mesh_.at(2).changed[0].behind);
}

TEST_F(DutyDoubt, WhatWasToldUnheardBeforeItsNodeDiedIsToldAgain) {
    start({1, 2, 3});
    const std::string key = mesh_.key_of(2, 1);
    mesh_.count(1, key, 1);
    mesh_.count(3, key, 1);
    mesh_.run();
    mesh_.deal(2);
    mesh_.cut(1, 2);
    mesh_.count(3, key, 0);
    mesh_.run();
    ASSERT_EQ(mesh_.at(2).changed.back().count, 1u);
    mesh_.deal(2);  // node 3 hears of that and forgets the item; node 1 believes that 2 was told
    mesh_.kill(2);
    mesh_.count(1, key, 2);
    mesh_.run_for(5s);
    ASSERT_EQ(mesh_.at(1).changed.size(), 1u) << "the world outside has heard 1 last";
    EXPECT_EQ(mesh_.at(1).changed[0].count, 2u);
}

TEST_F(DutyDoubt, WhatNotAllHadHeardWhenItsNodeDiedIsToldAgain) {
    start({1, 2, 3});
    const std::string key = mesh_.key_of(2, 1);
    mesh_.count(1, key, 1);
    mesh_.count(3, key, 1);
    tell_past_node_1(key, 3, 1);
    mesh_.count(1, key, 2);
    mesh_.run_for(5s);
    ASSERT_EQ(mesh_.at(1).changed.size(), 1u) << "the world outside has heard 1 last";
    EXPECT_EQ(mesh_.at(1).changed[0].count, 2u);
}

TEST_F(DutyDoubt, WhatNotAllHadHeardOfTheDeadNodesOwnCountIsToldAgain) {
    start({1, 2, 3});
    const std::string key = mesh_.key_of(2, 3);
    mesh_.count(1, key, 3);
    mesh_.count(2, key, 1);
    tell_past_node_1(key, 2, 3);
    mesh_.count(1, key, 4);
    mesh_.run_for(5s);
    ASSERT_EQ(mesh_.at(3).changed.size(), 1u) << "the world outside has heard 3 last, not 4";
    EXPECT_EQ(mesh_.at(3).changed[0].count, 4u);
}

/// Node 2 has told that there are 3, of which it holds 2 itself; node 1, its heir, has a copy of these. Cut off from
/// node 1, node 2 tells that only 1 is left, and dies. Then there are 3 again, all at node 1, and the duty is that of
/// `next`.
class UnheardOwnCount : public DutyDoubt {
protected:
    void tell_past_the_heir(std::uint64_t next, DutyEnd end) {
        const std::vector<OriginId> three{OriginId{1}, OriginId{2}, OriginId{3}};
        std::vector<OriginId> left{OriginId{1}, OriginId{3}};
        if (next == 4) {
            left.push_back(OriginId{4});
        }
        std::string key = "app/k";
        while (keepers(three, key, 2) != std::vector{OriginId{2}, OriginId{1}} ||
               duty_node(left, key) != OriginId{next}) {
            key += 'k';
        }
        start({1, 2, 3});
        mesh_.cut_end = end;
        mesh_.count(1, key, 1);
        mesh_.count(2, key, 2);
        mesh_.run();
        mesh_.deal(2);
        if (end != DutyEnd::kAnswered) {
            mesh_.cut(1, 2);
            mesh_.count(2, key, 0);
            mesh_.run();
            ASSERT_EQ(mesh_.at(2).changed.back().count, 1u);
            mesh_.deal(2);
        }
        mesh_.kill(2);
        if (next == 4) {
            mesh_.add(4);
        }
        mesh_.run_for(3s, false);  // the survivors have not agreed on their view
        mesh_.count(1, key, 3);
        mesh_.run_for(8s);
    }
    void expect_told_again(std::uint64_t desk) {
        ASSERT_FALSE(mesh_.at(desk).changed.empty()) << "the world outside has heard that there is 1";
        expect_told(desk, 0, 3, "");
        mesh_.deal(desk);
        mesh_.run_for(8s);
        EXPECT_EQ(mesh_.at(desk).changed.size(), 1u) << "once";
    }
};

TEST_F(UnheardOwnCount, IsToldAgainByTheHeir) {
    tell_past_the_heir(1, DutyEnd::kUnanswered);
    expect_told_again(1);
}

TEST_F(UnheardOwnCount, IsToldAgainByAThirdNode) {
    tell_past_the_heir(4, DutyEnd::kUnanswered);
    expect_told_again(4);
}

TEST_F(UnheardOwnCount, OfADeafNodeIsToldAgainToo) {
    tell_past_the_heir(1, DutyEnd::kDeaf);
    expect_told_again(1);
}

TEST_F(UnheardOwnCount, ThereIsNoneOfANodeThatAnsweredUntilItDied) {
    tell_past_the_heir(1, DutyEnd::kAnswered);
    EXPECT_TRUE(mesh_.at(1).changed.empty()) << "3 was told, and there are 3";
}

TEST_F(DutyDoubt, WhoHoldsNothingForgetsWhenAllOthersKnowWhatWasTold) {
    start({1, 2, 3});
    const std::string key = mesh_.key_of(2, 1);
    mesh_.count(1, key, 1);
    mesh_.count(2, key, 1);
    mesh_.count(3, key, 1);
    mesh_.run();
    mesh_.deal(2);
    mesh_.count(2, key, 0);
    mesh_.count(3, key, 0);
    mesh_.run();
    mesh_.deal(2);
    EXPECT_EQ(mesh_.at(2).duties.source().items() + mesh_.at(3).duties.source().items(), 0u);
    mesh_.mute(1, 2);
    mesh_.count(3, key, 2);
    mesh_.run();
    mesh_.deal(2);
    mesh_.count(3, key, 0);
    mesh_.run();
    mesh_.deal(2);
    mesh_.run_for(500ms);
    EXPECT_EQ(mesh_.at(3).duties.source().items(), 1u);
    mesh_.kill(1);
    mesh_.run_for(500ms);
    EXPECT_EQ(mesh_.at(3).duties.source().items(), 1u) << "the lost node may live, and come back with its older word";
    mesh_.run_for(Timing{}.duty_grace);
    mesh_.deal(2);
    EXPECT_EQ(mesh_.at(3).duties.source().items(), 0u) << "nobody waits for a lost node after its grace";
}

TEST_F(DutyDoubt, ADoubtOutlivesItsDeskAndTheFormerDeskThatWarned) {
    start({1, 2, 3});
    const std::string key = mesh_.key_of(2, 3);
    mesh_.count(1, key, 1);
    mesh_.count(3, key, 1);
    mesh_.run();
    mesh_.deal(2);
    mesh_.part(3, 1);
    mesh_.part(3, 2);
    mesh_.count(3, key, 0);
    mesh_.run_for(5s);
    mesh_.deal(2);
    ASSERT_EQ(mesh_.at(2).duties.desk().told({key, ""}), 1u);
    mesh_.deal(3);
    ASSERT_EQ(mesh_.at(3).duties.desk().told({key, ""}), 0u) << "told in its own part";
    mesh_.join(3, 1);
    mesh_.join(3, 2);
    mesh_.run_for(500ms);
    EXPECT_TRUE(mesh_.at(1).changed.empty());
    mesh_.kill(2);
    mesh_.kill(3);
    mesh_.run_for(5s);
    ASSERT_FALSE(mesh_.at(1).changed.empty()) << "the word of node 3 was perhaps the last";
    EXPECT_EQ(mesh_.at(1).changed.back().count, 1u);
}

TEST_F(DutyDoubt, AHolderPassesOnTheKnowledgeOfItsPartWhenItsDeskHasDealtWithNothing) {
    start({1, 2, 3});
    const std::string key = mesh_.key_of(1, 3);
    // Node 1 tells 1 and then 0, so the version there is newer than the version in the other part will be.
    for (const std::uint64_t count : {1u, 0u}) {
        mesh_.count(1, key, count);
        mesh_.run();
        mesh_.deal(1);
    }
    mesh_.part(1, 2);
    mesh_.part(1, 3);
    mesh_.run_for(10s);
    mesh_.count(2, key, 3);
    mesh_.run();
    mesh_.deal(3);
    ASSERT_EQ(mesh_.at(3).changed.back().count, 3u);
    // Node 2 is the desk from here on, and finds everything told.
    mesh_.kill(3);
    mesh_.run_for(10s);
    ASSERT_TRUE(mesh_.at(2).changed.empty());
    mesh_.join(1, 2);
    mesh_.run(false);
    mesh_.count(2, key, 0);
    mesh_.run_for(5s);
    EXPECT_EQ(mesh_.at(1).changed.size(), 3u);
    EXPECT_EQ(mesh_.at(1).changed.back().told, 1u);
    EXPECT_EQ(mesh_.at(1).changed.back().count, 0u);
}

TEST_F(DutyDoubt, WhoWasHeardUntilItDiedIsBelieved) {
    start({1, 2, 3});
    const std::string key = mesh_.key_of(2, 1);
    mesh_.count(1, key, 1);
    mesh_.run();
    mesh_.deal(2);
    mesh_.kill(2);
    mesh_.run_for(5s);
    EXPECT_TRUE(mesh_.at(1).changed.empty());
}

}  // namespace
}  // namespace tulle::mesh::duty_doubt_test
