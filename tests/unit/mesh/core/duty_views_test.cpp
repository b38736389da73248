#include "tests/unit/mesh/core/duty_mesh.hpp"

namespace tulle::mesh::duty_views_test {
namespace {

/// Duties in a mesh whose members do not all see each other.
class DutyViews : public testing::Test {
protected:
    /// A key that the first of each pair does among the members that follow.
    static std::string key_where(const std::vector<std::pair<std::uint64_t, std::vector<OriginId>>>& wanted) {
        for (int i = 0;; ++i) {
            std::string key = "app/k" + std::to_string(i);
            if (std::all_of(wanted.begin(), wanted.end(),
                            [&](const auto& one) { return duty_node(one.second, key) == OriginId{one.first}; })) {
                return key;
            }
        }
    }

    /// Node 1 counts `count`, and node 2 has told the count. Then node 1 meets node 3, which does the duty from now on
    /// and which node 2 does not know. Returns the key.
    std::string move_past_the_desk(std::uint64_t count) {
        for (const std::uint64_t oid : {1u, 2u, 3u}) {
            mesh_.add(oid);
        }
        mesh_.run();
        std::string key = mesh_.key_of(3, 2);
        mesh_.part(1, 3);
        mesh_.part(2, 3);
        mesh_.run_for(3s);
        mesh_.count(1, key, count);
        mesh_.run();
        mesh_.deal(2);
        mesh_.join(1, 3);
        mesh_.run_for(8s);
        return key;
    }

    DutyMesh mesh_;
};

TEST_F(DutyViews, WhoHasSeenTheDutyMoveFirstStillCountsAtTheFormerDesk) {
    const std::string key = move_past_the_desk(1);
    EXPECT_EQ(mesh_.at(2).changed.size(), 1u) << "node 1 did not say that there is none";
    mesh_.join(2, 3);
    mesh_.run_for(8s);
    EXPECT_EQ(mesh_.at(2).changed.size(), 1u);
    mesh_.count(1, key, 0);
    mesh_.run();
    EXPECT_EQ(mesh_.at(2).changed.size(), 1u) << "that is for node 3 to tell";
    ASSERT_FALSE(mesh_.at(3).changed.empty());
    EXPECT_EQ(mesh_.at(3).changed.back().count, 0u);
    mesh_.deal(3);
    mesh_.run_for(1s);
    EXPECT_EQ(mesh_.at(1).duties.items(), 0u) << "nothing is left behind";
    EXPECT_EQ(mesh_.at(2).duties.duties(), 0u);
}

/// The first desk counts on for node 1 when node 1 says that the duty has moved, and never meets the second desk.
TEST_F(DutyViews, WhatEndsAtASecondDeskEndsAtTheFirstToo) {
    const std::string key = move_past_the_desk(3);
    mesh_.count(1, key, 0);
    mesh_.run();
    ASSERT_FALSE(mesh_.at(3).changed.empty());
    EXPECT_EQ(mesh_.at(3).changed.back().count, 0u);
    mesh_.deal(3);
    mesh_.kill(3);
    mesh_.run_for(8s);
    EXPECT_EQ(mesh_.at(2).changed.back().count, 0u) << "node 2 holds what node 1 said before the duty moved";
    mesh_.deal(2);
    mesh_.run_for(8s);
    EXPECT_EQ(mesh_.at(1).duties.items(), 0u) << "nothing is left behind";
    EXPECT_EQ(mesh_.at(2).duties.duties(), 0u);
}

/// Node 1, cut off, is telling something when it meets node 2 again, and dies before the answer.
TEST_F(DutyViews, WorkUnderWayIsHandedOnInDoubtWhenTwoPartsMeet) {
    mesh_.add(1);
    mesh_.add(2);
    mesh_.run();
    const std::string key = mesh_.key_of(2, 1);
    mesh_.part(1, 2);
    mesh_.run_for(3s);
    mesh_.count(1, key, 3);
    mesh_.run_for(3s);
    ASSERT_EQ(mesh_.at(1).changed.size(), 1u);
    mesh_.join(1, 2);
    mesh_.run();
    ASSERT_EQ(mesh_.at(1).revoked.size(), 1u);
    ASSERT_TRUE(mesh_.at(2).changed.empty());
    mesh_.kill(1);
    mesh_.run_for(8s);
    ASSERT_FALSE(mesh_.at(2).changed.empty()) << "the world outside may believe that there are 3";
    EXPECT_EQ(mesh_.at(2).changed.back().count, 0u);
    EXPECT_NE(mesh_.at(2).changed.back().told, 0u) << "the whole truth is told";
}

/// Node 3, cut off, has told the end of an item that node 2 holds and does. Node 3 meets node 1 only, whose mails to
/// node 2 do not get through for a while.
TEST_F(DutyViews, AnEndTakenOverOutlivesACountOfNothing) {
    for (const std::uint64_t oid : {1u, 2u, 3u}) {
        mesh_.add(oid);
    }
    mesh_.run();
    const std::string key = mesh_.key_of(2, 1);
    mesh_.part(3, 1);
    mesh_.part(3, 2);
    mesh_.run_for(3s);
    for (const std::uint64_t count : {1u, 3u, 2u}) {
        mesh_.count(2, key, count);
        mesh_.run();
        mesh_.deal(2);
    }
    for (const std::uint64_t count : {1u, 0u}) {
        mesh_.count(3, key, count);
        mesh_.run();
        mesh_.deal(3);
    }
    mesh_.mute(1, 2);
    mesh_.count(1, key, 1, "of a mail that is under way");
    mesh_.run();
    mesh_.join(1, 3);
    mesh_.run();
    mesh_.count(1, key, 0);
    mesh_.run();
    mesh_.unmute(1, 2);
    mesh_.run_for(1s);
    mesh_.deal(2);
    mesh_.run_for(6s);
    std::vector<DutyChanged> told = mesh_.at(2).changed;
    std::erase_if(told, [](const DutyChanged& changed) { return !changed.item.empty(); });
    ASSERT_EQ(told.size(), 4u) << "the truth is told again";
    EXPECT_EQ(told.back().count, 2u);
    EXPECT_NE(told.back().told, 2u);
}

/// Nodes 3 and 4 have no session for long, so that node 1, which sees both, waits for nobody any more. Then node 2,
/// which has told that there are `told`, dies, and the duty comes to node 1, which does not hear node 3.
class LateWord : public DutyViews {
protected:
    void move_to_node_1(std::uint64_t told) {
        mesh_.run_for(6s);
        mesh_.run();
        ASSERT_EQ(mesh_.at(2).changed.back().count, told);
        mesh_.deal(2);
        mesh_.cut(1, 3);
        mesh_.kill(2);
        mesh_.run_for(4s);
        ASSERT_TRUE(mesh_.at(1).changed.empty()) << "node 3 has not had the time to say what it holds";
        mesh_.part(1, 3);
        mesh_.run_for(3s);
        ASSERT_EQ(mesh_.at(1).changed.size(), 1u) << "node 3 has been found dead";
        EXPECT_EQ(mesh_.at(1).changed[0].count, 1u);
    }
    void SetUp() override {
        for (const std::uint64_t oid : {1u, 2u, 3u, 4u}) {
            mesh_.add(oid);
        }
        mesh_.part(3, 4);
        key_ = key_where({{2, {OriginId{1}, OriginId{2}, OriginId{3}, OriginId{4}}},
                          {2, {OriginId{1}, OriginId{2}, OriginId{3}}},
                          {2, {OriginId{1}, OriginId{2}, OriginId{4}}},
                          {1, {OriginId{1}, OriginId{3}, OriginId{4}}},
                          {1, {OriginId{1}, OriginId{3}}},
                          {1, {OriginId{1}, OriginId{4}}}});
        mesh_.count(3, key_, 1);
        mesh_.count(4, key_, 1);
    }
    std::string key_;
};

TEST_F(LateWord, IsWaitedForAlthoughTheMembersHaveDisagreedForLong) {
    move_to_node_1(2);
}

TEST_F(LateWord, IsWaitedForByTheHeirToo) {
    mesh_.count(2, key_, 1);
    move_to_node_1(3);
}

TEST_F(LateWord, OfAnotherItemHoldsNothingUp) {
    move_to_node_1(2);
    mesh_.deal(1);
    mesh_.cut(1, 4);
    mesh_.count(1, key_, 5);
    mesh_.run();
    EXPECT_EQ(mesh_.at(1).changed.size(), 2u) << "the item has not moved lately";
    EXPECT_EQ(mesh_.at(1).changed.back().count, 6u);
}

TEST(DutyWait, EndsForAFewItemsInATurn) {
    const DutyMember self{OriginId{1}, kOwnTie};
    const DutyMember other{OriginId{2}, DutyTie{2}};
    DutyMembers members;
    members.add(self);
    Limits limits;
    limits.duty_items = 2;
    DutyDesk desk({}, limits);
    desk.set_members(members, {other.tie});
    std::vector<DutyChanged> changes;
    for (const std::string name : {"a", "b", "c", "d", "e"}) {
        desk.on_report(Instant{1s}, other,
                       {.key = "app/k", .item = name, .revision = 1, .current = 2, .told = 1, .told_version = 7});
    }
    for (int i = 0; i < 5; ++i) {
        desk.act(Instant{1s}, false, changes);
    }
    ASSERT_TRUE(changes.empty()) << "another desk had the items before";
    EXPECT_FALSE(desk.may_act()) << "there is nothing to do before the wait ends";
    for (const std::size_t told : {2u, 4u, 5u}) {
        EXPECT_TRUE(told == 2 || desk.may_act());
        desk.act(Instant{1s}, true, changes);
        EXPECT_EQ(changes.size(), told);
    }
    EXPECT_FALSE(desk.may_act());
}

/// A leaver hands over what it has told otherwise, and another member reports before this node knows of the leave.
TEST(DutyBack, TheDoubtOfAnItemThatWaitsIsKept) {
    const DutyMember self{OriginId{1}, kOwnTie};
    const DutyMember leaver{OriginId{2}, DutyTie{2}};
    const DutyMember other{OriginId{3}, DutyTie{3}};
    DutyMembers two;
    two.add(self);
    two.add(other);
    DutyMembers three = two;
    three.add(leaver);
    std::string key = "app/k";
    while (three.responsible(stable_hash(key)) != leaver.tie || two.responsible(stable_hash(key)) != kOwnTie) {
        key += "k";
    }
    const DutyReport two_here{.key = key, .item = "i", .revision = 1, .current = 2};
    DutyDesk desk({}, {});
    std::vector<DutyChanged> changes;
    desk.set_members(two, {});
    desk.on_report(Instant{1s}, other, two_here);
    desk.act(Instant{1s}, true, changes);
    ASSERT_EQ(changes.size(), 1u);
    ASSERT_TRUE(desk.on_done(Instant{1s}, {changes[0].token, 2}));
    desk.set_members(three, {});
    desk.work(Instant{2s});
    ASSERT_EQ(desk.take_handed_on().size(), 1u);
    DutyReport gone{.key = key, .item = "i", .revision = 9};
    gone.told_version = 1;
    gone.was_desk = true;
    desk.on_report(Instant{2s}, leaver, gone);
    DutyReport again = two_here;
    again.told = 2;
    again.told_version = 1;
    desk.on_report(Instant{2s}, other, again);
    desk.set_members(two, {});
    desk.work(Instant{3s});
    changes.clear();
    desk.act(Instant{10s}, true, changes);
    ASSERT_EQ(changes.size(), 1u) << "the world outside may believe that there is none";
    EXPECT_EQ(changes[0].told, 0u);
    EXPECT_EQ(changes[0].count, 2u);
}

/// A wrong peer's numbers must not lead this node to numbers that other nodes refuse (CodecError::kLimit).
TEST(DutyNumbers, StayWithinWhatOtherNodesAccept) {
    const DutyMember wrong{OriginId{2}, DutyTie{2}};
    DutyMembers members;
    members.add({OriginId{1}, kOwnTie});
    members.add(wrong);
    std::string key = "app/k";
    while (members.responsible(stable_hash(key)) != kOwnTie) {
        key += "k";
    }
    DutyDesk desk({}, {});
    desk.set_members(members, {});
    DutyReport report{.key = key, .item = "i"};
    report.revision = 1;
    report.current = kMaxNumber;
    report.told_version = kMaxNumber;
    desk.on_report(Instant{1s}, wrong, report);
    desk.on_report(Instant{1s}, {OriginId{1}, kOwnTie}, {.key = key, .item = "i", .revision = 1, .current = 1});
    std::vector<DutyChanged> changes;
    desk.act(Instant{1s}, true, changes);
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(changes[0].count, kMaxNumber);
    ASSERT_TRUE(desk.on_done(Instant{1s}, {changes[0].token, changes[0].count}));
    DutyMail mail;
    ASSERT_TRUE(desk.compose(wrong.tie, mail));
    ASSERT_EQ(mail.settles.size(), 1u);
    EXPECT_EQ(mail.settles[0].told, kMaxNumber);
    EXPECT_EQ(mail.settles[0].told_version, kMaxNumber);
}

/// Node 2 is alone in its part and tells that what node 1 counts is gone. The parts meet, and both desks die before the
/// truth is told.
TEST_F(DutyViews, WhatADeskOfAnotherPartHasNotToldAgainIsInDoubtWithThatDesk) {
    for (const std::uint64_t oid : {1u, 2u, 3u, 4u}) {
        mesh_.add(oid);
    }
    mesh_.run();
    const std::string key = mesh_.key_of(2, 3);
    mesh_.count(1, key, 1);
    mesh_.run();
    mesh_.deal(2);
    for (const std::uint64_t other : {1u, 3u, 4u}) {
        mesh_.part(2, other);
    }
    mesh_.run_for(3s);
    ASSERT_EQ(mesh_.at(2).changed.back().count, 0u);
    mesh_.deal(2);
    mesh_.count(1, key, 2);
    mesh_.run();
    ASSERT_EQ(mesh_.at(3).changed.back().count, 2u);
    mesh_.deal(3);
    for (const std::uint64_t other : {1u, 3u, 4u}) {
        mesh_.join(2, other);
    }
    mesh_.run(false);  // the nodes have not agreed on their view
    mesh_.kill(3);
    mesh_.run(false);
    mesh_.kill(2);
    mesh_.run_for(10s);
    ASSERT_EQ(mesh_.at(1).changed.size() + mesh_.at(4).changed.size(), 1u) << "2 was told, or 0: nobody knows";
    const std::uint64_t desk = mesh_.at(1).changed.empty() ? 4 : 1;
    EXPECT_EQ(mesh_.at(desk).changed.back().count, 2u);
    mesh_.deal(desk);
    mesh_.run_for(5s);
    EXPECT_EQ(mesh_.at(desk).changed.size(), 1u);
}

/// Nodes 1 and 2 are cut off from each other. 2 has told that what 1 counts is gone, and all that it knew to 3.
class HandedTombstone : public DutyViews {
protected:
    void hand_over(int items) {
        const OriginId one{1};
        const OriginId two{2};
        const OriginId three{3};
        key_ = key_where({{1, {one, two}}, {1, {one, two, three}}, {3, {two, three}}});
        mesh_.add(1);
        mesh_.add(2);
        mesh_.run();
        for (int i = 0; i < items; ++i) {
            mesh_.count(1, key_, 1, "i" + std::to_string(i));
            mesh_.run();
            mesh_.deal(1);
        }
        mesh_.part(1, 2);
        mesh_.run_for(3s);
        for (const DutyChanged& change : std::vector(mesh_.at(2).changed)) {
            ASSERT_EQ(change.count, 0u);
            mesh_.at(2).duties.done(mesh_.now, {change.token, 0});
        }
        mesh_.run();
        mesh_.add(3);
        mesh_.part(1, 3);
        mesh_.run_for(8s);
        ASSERT_EQ(mesh_.at(2).duties.items(), 0u);
        ASSERT_EQ(mesh_.at(2).duties.desk().tombstones(), 0u);
        told_ = mesh_.at(1).changed.size();
    }
    std::string key_;
    std::size_t told_ = 0;
};

TEST_F(HandedTombstone, OutlivesTheNodeThatItWasHandedTo) {
    hand_over(1);
    mesh_.kill(3);
    mesh_.run_for(3s);
    mesh_.add(4);
    mesh_.part(1, 4);
    mesh_.run_for(3s);
    mesh_.kill(4);
    mesh_.run_for(3s);
    mesh_.join(1, 2);
    mesh_.run_for(8s);
    ASSERT_EQ(mesh_.at(1).changed.size(), told_ + 1) << "the world outside believes that it is gone";
    EXPECT_EQ(mesh_.at(1).changed.back().count, 1u);
    mesh_.deal(1);
    mesh_.run_for(8s);
    EXPECT_EQ(mesh_.at(2).duties.items(), 0u);
    EXPECT_EQ(mesh_.at(2).duties.source().tombstones(), 0u) << "this node knows that it is there again";
}

TEST_F(HandedTombstone, OutlivesThatNodeAlsoWhenTheDutyHasMovedMeanwhile) {
    hand_over(1);
    mesh_.join(1, 2);
    mesh_.run_for(8s);
    ASSERT_EQ(mesh_.at(1).changed.size(), told_) << "node 3 knows, and has not met node 1";
    mesh_.kill(3);
    mesh_.run_for(8s);
    ASSERT_EQ(mesh_.at(1).changed.size(), told_ + 1) << "the world outside believes that it is gone";
    EXPECT_EQ(mesh_.at(1).changed.back().count, 1u);
}

TEST_F(HandedTombstone, IsNotDugOutByADeskThatLeavesInOrder) {
    hand_over(1);
    EXPECT_EQ(mesh_.at(2).duties.source().tombstones(), 1u);
    mesh_.kill(3, true);
    mesh_.run_for(3s);
    EXPECT_EQ(mesh_.at(2).duties.items(), 0u);
    EXPECT_EQ(mesh_.at(2).duties.source().tombstones(), 1u);
}

TEST_F(HandedTombstone, OnesAreBounded) {
    mesh_.limits.duty_tombstones = 10;
    hand_over(25);
    EXPECT_EQ(mesh_.at(2).duties.source().tombstones(), 10u);
}

/// Nodes 1 and 2 are cut off from each other, and 2 tells late that what 1 counts is gone. The duty has gone to 3
/// meanwhile, which is to tell the truth again, and which 1 never meets.
class LostFormerDesk : public DutyViews {
protected:
    void SetUp() override {
        const OriginId one{1};
        const OriginId two{2};
        const OriginId three{3};
        const std::string key = key_where({{1, {one, two}}, {1, {one, two, three}}, {3, {two, three}}});
        mesh_.add(1);
        mesh_.add(2);
        mesh_.run();
        mesh_.count(1, key, 1);
        mesh_.run();
        mesh_.deal(1);
        for (const std::uint64_t count : {2u, 1u}) {
            mesh_.count(1, key, count);
            mesh_.run();
            mesh_.deal(1);
        }
        mesh_.part(1, 2);
        for (const std::uint64_t count : {2u, 3u, 2u}) {
            mesh_.count(1, key, count);
            mesh_.run();
            mesh_.deal(1);
        }
        mesh_.run_for(3s);
        mesh_.add(3);
        mesh_.part(1, 3);
        mesh_.run_for(1500ms);
        told_ = mesh_.at(1).changed.size();
        ASSERT_EQ(mesh_.at(2).changed.back().count, 0u);
        mesh_.deal(2);
        mesh_.join(1, 2);
        mesh_.run_for(500ms);
        ASSERT_EQ(mesh_.at(1).changed.size(), told_);
    }
    std::size_t told_ = 0;
};

TEST_F(LostFormerDesk, WhatItHadNotDealtWithIsToldAgain) {
    mesh_.kill(3);
    mesh_.run_for(10s);
    ASSERT_EQ(mesh_.at(1).changed.size(), told_ + 1) << "the world outside believes that there is none";
    EXPECT_EQ(mesh_.at(1).changed.back().count, 2u);
    mesh_.deal(1);
    mesh_.run_for(1s);
    EXPECT_EQ(mesh_.at(2).duties.items(), 0u) << "nothing is left behind";
}

TEST_F(LostFormerDesk, IsForgottenWhenItHasMetTheOtherAndAllHaveHandedOver) {
    mesh_.join(1, 3);
    mesh_.run_for(10s);
    ASSERT_EQ(mesh_.at(1).changed.size(), told_ + 1);
    mesh_.deal(1);
    mesh_.run_for(1s);
    EXPECT_EQ(mesh_.at(2).duties.items() + mesh_.at(3).duties.items(), 0u) << "nothing is left behind";
    mesh_.kill(3);
    mesh_.run_for(10s);
    EXPECT_EQ(mesh_.at(1).changed.size(), told_ + 1) << "nothing is doubted because of it";
}

}  // namespace
}  // namespace tulle::mesh::duty_views_test
