#include "tests/unit/mesh/core/duty_mesh.hpp"

namespace tulle::mesh::duties_test {
namespace {

using Changes = std::vector<DutyChanged>;

TEST(Duties, ANodeAloneTellsItsOwnShardInTheSameTurn) {
    DutyMesh mesh;
    mesh.add(1);
    mesh.count(1, "app/a", 2, "x");
    mesh.run();
    EXPECT_EQ(mesh.at(1).changed, (Changes{{2, "app/a", "x", nullptr, 0, 2}}));
    EXPECT_EQ(mesh.at(1).duties.next_deadline(), std::nullopt);
    mesh.deal(1);
    mesh.count(1, "app/a", 0, "x");
    mesh.run();
    EXPECT_EQ(mesh.at(1).changed.back(), (DutyChanged{4, "app/a", "x", nullptr, 2, 0}));
    mesh.deal(1);
    EXPECT_EQ(mesh.at(1).changed.size(), 2u);
    EXPECT_EQ(mesh.at(1).duties.items(), 0u);
    EXPECT_EQ(mesh.at(1).duties.duties(), 0u);
}

TEST(Duties, TheOneNodeIsToldTheSumOverShardsAndNodes) {
    DutyMesh mesh;
    for (const std::uint64_t oid : {1u, 2u, 3u}) {
        mesh.add(oid);
    }
    mesh.run();
    const std::string key = mesh.key_of(3);
    mesh.count(1, key, 2, "", 0);
    mesh.count(1, key, 1, "", 1);
    mesh.run();
    mesh.count(2, key, 4);
    mesh.run();
    EXPECT_EQ(mesh.at(3).changed, (Changes{{2, key, "", nullptr, 0, 3}, {2, key, "", nullptr, 0, 7}}))
        << "an update under the same token";
    mesh.deal(3);
    EXPECT_EQ(mesh.at(3).changed.size(), 2u) << "nothing differs";
    mesh.count(1, key, 0, "", 0);
    mesh.run();
    EXPECT_EQ(mesh.at(3).changed.back(), (DutyChanged{4, key, "", nullptr, 7, 5}));
    EXPECT_TRUE(mesh.at(1).changed.empty() && mesh.at(2).changed.empty());
}

TEST(Duties, WhatHasChangedBackIsSaidUnderTheTokenAndNotAgain) {
    DutyMesh mesh;
    mesh.add(1);
    mesh.count(1, "app/a", 1);
    mesh.run();
    mesh.deal(1);
    mesh.count(1, "app/a", 0);
    mesh.run();
    mesh.count(1, "app/a", 1);
    mesh.run();
    EXPECT_EQ(mesh.at(1).changed.back(), (DutyChanged{4, "app/a", "", nullptr, 1, 1}));
    mesh.deal(1);
    EXPECT_EQ(mesh.at(1).changed.size(), 3u);
}

TEST(Duties, ACountThatCameAndWentUnnoticedLeavesNothing) {
    DutyMesh mesh;
    mesh.add(1);
    mesh.count(1, "app/a", 1);
    mesh.count(1, "app/a", 0);
    mesh.run();
    EXPECT_TRUE(mesh.at(1).changed.empty());
    EXPECT_EQ(mesh.at(1).duties.items(), 0u);
}

TEST(Duties, BringsTheInfoOfAHolder) {
    DutyMesh mesh;
    mesh.add(1);
    mesh.add(2);
    mesh.run();
    const std::string key = mesh.key_of(2);
    mesh.at(1).duties.count(ShardIndex{0}, {key, "u", 1, share("card")});
    mesh.run();
    ASSERT_EQ(mesh.at(2).changed.size(), 1u);
    EXPECT_EQ(*mesh.at(2).changed[0].info, "card");
    mesh.deal(2);
    mesh.count(1, key, 0, "u");
    mesh.run();
    ASSERT_TRUE(mesh.at(2).changed.back().info);
    EXPECT_EQ(*mesh.at(2).changed.back().info, "card") << "also when nobody holds it any more";
}

TEST(Duties, RefusesWhatIsOverALimit) {
    DutyMesh mesh;
    Duties& duties = mesh.add(1).duties;
    mesh.count(1, "", 1);
    mesh.count(1, std::string(kMaxChannelBytes + 1, 'k'), 1);
    mesh.count(1, "app/a", 1, std::string(kMaxDutyItemBytes + 1, 'i'));
    duties.count(ShardIndex{0}, {"app/a", "", 1, share(std::string(kMaxUserInfoBytes + 1, 'i'))});
    mesh.run();
    EXPECT_TRUE(mesh.at(1).changed.empty());
    EXPECT_EQ(duties.tally().counts_refused, 4u);
}

TEST(Duties, ALostMailIsRepeatedAndARepeatedOneCountsOnce) {
    DutyMesh mesh;
    mesh.add(1);
    mesh.add(2);
    mesh.run();
    const std::string key = mesh.key_of(2);
    mesh.to_lose = 1;
    mesh.count(1, key, 1);
    mesh.run();
    EXPECT_TRUE(mesh.at(2).changed.empty());
    EXPECT_EQ(mesh.at(1).duties.next_deadline(), mesh.now + Timing{}.duty_retry);
    mesh.twice = true;
    mesh.run_for(500ms);
    EXPECT_EQ(mesh.at(2).changed.size(), 1u);
    const std::uint64_t sent = mesh.mails;
    mesh.run_for(5s);
    EXPECT_EQ(mesh.mails, sent) << "all is acknowledged, so nobody speaks";
}

TEST(Duties, ManyChangesGoInFewMails) {
    DutyMesh mesh;
    mesh.add(1);
    mesh.add(2);
    mesh.run();
    for (int i = 0; i < 5000; ++i) {
        mesh.count(1, "app/k" + std::to_string(i), 1);
    }
    const std::uint64_t before = mesh.mails;
    mesh.run();
    EXPECT_NEAR(static_cast<double>(mesh.at(2).changed.size()), 2500, 250);
    EXPECT_EQ(mesh.at(1).changed.size() + mesh.at(2).changed.size(), 5000u);
    EXPECT_LT(mesh.mails - before, 50u);
}

}  // namespace
}  // namespace tulle::mesh::duties_test
