#include <gtest/gtest.h>

#include <set>

#include "tests/unit/mesh/core/played_context.hpp"

namespace tulle::mesh::audience_test {
namespace {

class AudienceTest : public ServiceTest {
protected:
    [[nodiscard]] bool is_due(const Session& session, const Record& record,
                              Audience::Keepers keepers = Audience::Keepers::kNamed) const {
        return stores_.audience.is_due(MeshContext::reader(session), record, keepers);
    }
};

TEST_F(AudienceTest, ARecordIsDueToWhoeverHasInterestInOneOfItsChannels) {
    Session& b = meet(2);
    Session& c = meet(3);
    want(b, {"app/x"});
    want(c, {"app/z"});
    const Record both = record(1, {"app/w", "app/x"});
    EXPECT_TRUE(is_due(b, both));
    EXPECT_FALSE(is_due(c, both));
}

TEST_F(AudienceTest, ARecordOfOurOwnIsDueToTheKeepersThatItNames) {
    Session& b = meet(2);
    Session& c = meet(3);
    Record retained = record(1, {"app/cache-x"});
    retained.retained = 1;
    retained.keepers = {OriginId{1}, OriginId{2}};
    EXPECT_TRUE(is_due(b, retained));
    EXPECT_FALSE(is_due(c, retained));
}

TEST_F(AudienceTest, ARecordOfAnotherOriginIsDueToThePresentKeepersOfTheChannelsThatKeepIt) {
    Session& b = meet(2);
    stores_.retained.set_members({OriginId{2}});
    Record retained = record(1, {"app/cache-x", "app/y"});
    retained.keepers = {};
    EXPECT_FALSE(is_due(b, retained, Audience::Keepers::kPresent)) << "no channel keeps it";
    retained.retained = 1;
    EXPECT_TRUE(is_due(b, retained, Audience::Keepers::kPresent));
    EXPECT_FALSE(is_due(b, retained)) << "its origin has named nobody";
}

TEST_F(AudienceTest, TheOtherWayRoundNamesTheSameReaders) {
    std::vector<Session*> sessions;
    for (std::uint64_t id = 2; id < 10; ++id) {
        Session& session = meet(id);
        sessions.push_back(&session);
        want(session, {"app/" + std::to_string(id % 3), "app/" + std::to_string(id % 4)});
    }
    Record one = record(1, {"app/0", "app/3"});
    one.keepers = {OriginId{1}, OriginId{5}};
    std::set<OriginId> named;
    stores_.audience.each_reader(
        one, [&](InterestSlot slot) { named.insert(sessions_.at(slot).oid); },
        [&](OriginId keeper) { named.insert(keeper); });
    named.erase(OriginId{1});
    std::set<OriginId> due;
    for (const Session* session : sessions) {
        if (is_due(*session, one)) {
            due.insert(session->oid);
        }
    }
    EXPECT_EQ(named, due);
    EXPECT_GT(due.size(), 2u);
    EXPECT_LT(due.size(), sessions.size());
}

TEST_F(AudienceTest, OnThisNodeARecordIsDueToTheShardsWithSubscribers) {
    stores_.local.add(ShardIndex{0}, "app/x");
    stores_.local.add(ShardIndex{3}, "app/y");
    EXPECT_EQ(stores_.audience.shards_of(record(1, {"app/x", "app/y", "app/z"})), 0b1001u);
    EXPECT_EQ(stores_.audience.shards_of(record(2, {"app/z"})), 0u);
}

TEST_F(AudienceTest, ASessionThatHasEndedReadsNothing) {
    Session& b = meet(2);
    want(b, {"app/x"});
    stores_.interest.give_back(b.interest.slot);
    sessions_.close(b);
    bool named = false;
    stores_.audience.each_reader(
        record(1, {"app/x"}), [&](InterestSlot) { named = true; }, [](OriginId) {});
    EXPECT_FALSE(named);
}

TEST_F(ServiceTest, SessionsAreVisitedInTheOrderOfTheirIdsWhenTouchedOrDue) {
    for (const std::uint64_t id : {4u, 2u, 3u}) {
        meet(id);
    }
    std::vector<OriginId> visited;
    const auto visit = [&](Duration again) {
        visited.clear();
        sessions_.visit_due(now_, [&](Session& session) {
            visited.push_back(session.oid);
            return now_ + again;
        });
    };
    visit(10s);
    EXPECT_EQ(visited, (std::vector{OriginId{2}, OriginId{3}, OriginId{4}}));
    visit(10s);
    EXPECT_TRUE(visited.empty());
    sessions_.touch(*sessions_.find(OriginId{3}));
    EXPECT_EQ(sessions_.earliest([&](const Session&) { return now_ + 1s; }), now_ + 1s);
    sessions_.touch(*sessions_.find(OriginId{2}));
    sessions_.touch(*sessions_.find(OriginId{2}));
    visit(20s);
    EXPECT_EQ(visited, (std::vector{OriginId{2}, OriginId{3}}));
    now_ += 10s;
    visit(20s);
    EXPECT_EQ(visited, (std::vector{OriginId{4}}));
}

}  // namespace
}  // namespace tulle::mesh::audience_test
