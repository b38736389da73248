#include "tests/unit/mesh/core/duty_mesh.hpp"

namespace tulle::mesh::duty_last_test {
namespace {

/// What is told when the last node of a mesh leaves, or all of them at once.
class DutyLastTest : public testing::Test {
protected:
    using Item = std::pair<std::string, std::uint64_t>;  ///< key, count

    void start(std::vector<std::uint64_t> oids) {
        oids_ = std::move(oids);
        for (const std::uint64_t oid : oids_) {
            mesh_.add(oid);
        }
        mesh_.run();
    }
    void retire(std::uint64_t oid) { mesh_.at(oid).duties.retire(mesh_.now); }
    void leave(std::uint64_t oid) { mesh_.at(oid).duties.leave(mesh_.now); }
    void gone(std::uint64_t oid) {
        mesh_.kill(oid, true);
        std::erase(oids_, oid);
    }
    /// Every change that any node's shard was asked to deal with since the last call, which is dealt with.
    std::vector<Item> told() {
        std::vector<Item> all;
        for (bool more = true; more;) {
            more = false;
            mesh_.run();
            for (const std::uint64_t oid : oids_) {
                auto& node = mesh_.at(oid);
                for (const DutyChanged& change : std::exchange(node.changed, {})) {
                    all.emplace_back(change.key, change.count);
                    node.duties.done(mesh_.now, {change.token, change.count});
                    more = true;
                }
            }
        }
        return all;
    }

    DutyMesh mesh_;
    std::vector<std::uint64_t> oids_;
};

TEST_F(DutyLastTest, TheOnlyNodeTellsThatNothingIsLeft) {
    start({1});
    mesh_.count(1, "app/a", 2);
    mesh_.count(1, "app/b", 1, "u1");
    EXPECT_EQ(told().size(), 2u);
    retire(1);
    EXPECT_TRUE(mesh_.at(1).duties.is_last());
    EXPECT_FALSE(mesh_.at(1).duties.all_told());
    mesh_.run();
    EXPECT_EQ(mesh_.at(1).duties.untold(), 2u);
    EXPECT_EQ(told(), (std::vector<Item>{{"app/a", 0}, {"app/b", 0}}));
    EXPECT_TRUE(mesh_.at(1).duties.all_told());
    EXPECT_EQ(mesh_.at(1).duties.untold(), 0u);
    leave(1);
    mesh_.count(1, "app/a", 1);
    EXPECT_TRUE(told().empty()) << "its shards have no clients any more";
}

TEST_F(DutyLastTest, WhatTheShardHeldBackIsNoReasonToGo) {
    start({1});
    mesh_.count(1, "app/a", 2);
    told();
    mesh_.count(1, "app/a", 0);
    mesh_.run();
    retire(1);
    mesh_.run();
    EXPECT_FALSE(mesh_.at(1).duties.all_told());
    EXPECT_EQ(told(), (std::vector<Item>{{"app/a", 0}}));
    EXPECT_TRUE(mesh_.at(1).duties.all_told());
}

TEST_F(DutyLastTest, TasksAreDoneBeforeTheOnlyNodeGoes) {
    start({1});
    ASSERT_TRUE(mesh_.at(1).duties.task({"app/a", share("event")}));
    retire(1);
    mesh_.run();
    ASSERT_EQ(mesh_.at(1).perform.size(), 1u);
    EXPECT_FALSE(mesh_.at(1).duties.all_told());
    EXPECT_EQ(mesh_.at(1).duties.untold(), 1u);
    mesh_.at(1).duties.done(mesh_.now, {mesh_.at(1).perform[0].token, 0});
    mesh_.run();
    EXPECT_TRUE(mesh_.at(1).duties.all_told());
}

TEST_F(DutyLastTest, AsLongAsAnotherStaysItTellsNothing) {
    start({1, 2});
    mesh_.count(1, "app/a", 2);
    mesh_.count(1, "app/b", 2);
    told();
    retire(1);
    leave(1);
    EXPECT_FALSE(mesh_.at(1).duties.is_last());
    EXPECT_TRUE(told().empty());
    EXPECT_TRUE(mesh_.at(1).duties.delivered(OriginId{2}));
    gone(1);
    mesh_.run_for(1500ms);
    EXPECT_TRUE(told().empty()) << "its clients may come again elsewhere";
    mesh_.run_for(1s);
    EXPECT_EQ(told().size(), 2u);
}

TEST_F(DutyLastTest, OfThoseThatLeaveAtOnceOneTellsAll) {
    start({1, 2, 3});
    for (std::uint64_t oid = 1; oid <= 3; ++oid) {
        mesh_.count(oid, mesh_.key_of(1), 1);
        mesh_.count(oid, mesh_.key_of(2), 1);
        mesh_.count(oid, mesh_.key_of(3), 1);
    }
    told();
    for (std::uint64_t oid = 1; oid <= 3; ++oid) {
        retire(oid);
        leave(oid);
    }
    EXPECT_EQ(told().size(), 3u);
    EXPECT_TRUE(mesh_.at(3).duties.is_last());
    for (const std::uint64_t oid : {1u, 2u}) {
        EXPECT_FALSE(mesh_.at(oid).duties.is_last());
        EXPECT_TRUE(mesh_.at(oid).duties.delivered(OriginId{3}));
        gone(oid);
        mesh_.run();
    }
    EXPECT_TRUE(told().empty()) << "once";
    EXPECT_TRUE(mesh_.at(3).duties.all_told());
}

TEST_F(DutyLastTest, TwoThatTookEachOtherForAnHeirAgree) {
    for (const bool claims : {true, false}) {
        DutyMesh mesh;
        mesh.add(1);
        mesh.add(2);
        mesh.run();
        const std::string key = mesh.key_of(2);
        mesh.count(1, key, 1);
        mesh.run();
        mesh.deal(2);
        mesh.at(1).duties.leave(mesh.now);
        mesh.at(2).duties.leave(mesh.now);
        mesh.run(claims);  // without: each hands over to the other before it hears that that one leaves, too
        EXPECT_EQ(mesh.at(1).duties.is_last(), false);
        mesh.run();
        EXPECT_TRUE(mesh.at(2).duties.is_last());
        mesh.run_for(3s);
        ASSERT_EQ(mesh.at(2).changed.size(), 2u) << claims;
        EXPECT_EQ(mesh.at(2).changed[1].count, 0u);
        mesh.deal(2);
        mesh.kill(1, true);
        mesh.run();
        EXPECT_TRUE(mesh.at(2).duties.all_told());
    }
}

TEST_F(DutyLastTest, IfTheOneThatWasToTellIsGoneTheOtherTells) {
    start({1, 2});
    const std::string key = mesh_.key_of(2);
    mesh_.count(1, key, 1);
    told();
    leave(1);
    leave(2);
    mesh_.run();
    EXPECT_FALSE(mesh_.at(1).duties.is_last());
    mesh_.kill(2);
    oids_ = {1};
    EXPECT_TRUE(mesh_.at(1).duties.is_last());
    mesh_.run_for(3s);  // what the other was telling is in doubt
    EXPECT_EQ(told(), (std::vector<Item>{{key, 0}}));
}

TEST_F(DutyLastTest, WhoHasLeftShortlyBeforeCountsNoMore) {
    start({1, 2});
    const std::string key = mesh_.key_of(2);
    mesh_.count(1, key, 1);
    told();
    leave(1);
    mesh_.run();
    gone(1);
    EXPECT_TRUE(told().empty());
    retire(2);
    EXPECT_EQ(told(), (std::vector<Item>{{key, 0}})) << "there is nowhere for its clients to come again";
}

TEST_F(DutyLastTest, WhoWasLostShortlyBeforeMayLiveAndCountsForItsGrace) {
    start({1, 2});
    const std::string key = mesh_.key_of(2);
    mesh_.count(1, key, 1);
    told();
    mesh_.kill(1);
    oids_ = {2};
    retire(2);
    EXPECT_TRUE(told().empty());
    EXPECT_FALSE(mesh_.at(2).duties.all_told());
    mesh_.run_for(2500ms);
    EXPECT_EQ(told(), (std::vector<Item>{{key, 0}}));
    EXPECT_TRUE(mesh_.at(2).duties.all_told());
}

TEST_F(DutyLastTest, WhoLeavesIsNoHeirWhenAnotherStays) {
    start({1, 2, 3});
    const std::string key = mesh_.key_of(3, 2);
    mesh_.count(1, key, 1);
    told();
    leave(2);
    mesh_.run();
    leave(3);
    mesh_.run();
    EXPECT_TRUE(mesh_.at(3).duties.delivered(OriginId{1}));
    EXPECT_TRUE(mesh_.at(3).duties.delivered(OriginId{2}));
    gone(3);
    gone(2);
    mesh_.count(1, key, 0);
    mesh_.run_for(3s);
    EXPECT_EQ(told(), (std::vector<Item>{{key, 0}}));
}

TEST_F(DutyLastTest, MoreThanGoesIntoATurn) {
    start({1, 2});
    const std::size_t items = 3 * Limits{}.duty_items;
    for (std::size_t i = 0; i < items; ++i) {
        mesh_.count(1, "app/k" + std::to_string(i), 1);
    }
    EXPECT_EQ(told().size(), items);
    leave(1);
    leave(2);
    EXPECT_EQ(told().size(), items);
    gone(1);
    told();
    EXPECT_TRUE(mesh_.at(2).duties.all_told());
}

}  // namespace
}  // namespace tulle::mesh::duty_last_test
