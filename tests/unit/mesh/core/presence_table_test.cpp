#include "mesh/core/presence/presence_table.hpp"

#include <gtest/gtest.h>

namespace tulle::mesh::presence_table_test {
namespace {

constexpr Instant kStart{10s};
constexpr OriginId kSelf{1};
constexpr OriginId kA{2};
constexpr OriginId kB{3};
constexpr InterestVersion kSince{5};
const std::string kRoom = "app/presence-room";

PresencePart part(std::vector<std::string> users, std::uint64_t at, bool first = true, bool last = true) {
    PresencePart made{
        .channel = kRoom, .version = kSince, .at = RecordNo{at}, .first = first, .last = last, .members = {}};
    for (std::string& user : users) {
        made.members.push_back({std::move(user), share("{}")});
    }
    return made;
}

Record change(std::uint64_t n, const std::string& user, bool left) {
    return {.n = RecordNo{n},
            .channels = {presence_key(kRoom)},
            .body = nullptr,
            .exclude_socket = {},
            .user = user,
            .left = left,
            .info = share("{}")};
}

class PresenceTableTest : public testing::Test {
protected:
    /// What the subscribers are told, as "+user" and "-user".
    std::vector<std::string> told() {
        std::vector<std::string> texts;
        for (const MemberChanged& change : changes_) {
            texts.push_back((change.joined ? "+" : "-") + change.member.user);
        }
        changes_.clear();
        return texts;
    }

    std::vector<std::string> users() {
        std::vector<std::string> texts;
        const PresenceTable::Members members = table_.members(kRoom);
        for (const PresenceMember& member : *members) {
            texts.push_back(member.user);
        }
        return texts;
    }

    bool accept(OriginId from, const PresencePart& part) { return table_.accept(from, part, kSince, changes_); }
    PresenceTable::Joined join(std::uint16_t shard, const std::string& user, std::size_t max = 100) {
        return table_.join(ShardIndex{shard}, kRoom, {user, share("{}")}, max, changes_);
    }
    bool leave(std::uint16_t shard, const std::string& user) {
        return table_.leave(ShardIndex{shard}, kRoom, user, changes_);
    }

    using Texts = std::vector<std::string>;
    Limits limits_;
    PresenceTable table_{kSelf, Timing{}, limits_};
    PresenceTable::Changes changes_;
};

TEST_F(PresenceTableTest, TellsThePeersOfTheFirstShardsJoinAndTheLastShardsLeave) {
    EXPECT_EQ(join(0, "u"), PresenceTable::Joined::kNew);
    EXPECT_EQ(join(1, "u"), PresenceTable::Joined::kAgain);
    EXPECT_EQ(told(), Texts{"+u"});
    EXPECT_FALSE(leave(0, "u"));
    EXPECT_FALSE(leave(0, "u"));
    EXPECT_EQ(told(), Texts{});
    EXPECT_TRUE(leave(1, "u"));
    EXPECT_EQ(told(), Texts{"-u"});
    EXPECT_EQ(table_.users(), 0u);
}

TEST_F(PresenceTableTest, CountsAUserOfManyOriginsOnce) {
    accept(kA, part({"u", "v"}, 4));
    accept(kB, part({"u"}, 9));
    join(0, "u");
    EXPECT_EQ(told(), (Texts{"+u", "+v"}));
    table_.apply(kA, change(5, "u", true), changes_);
    leave(0, "u");
    EXPECT_EQ(told(), Texts{});
    table_.apply(kB, change(10, "u", true), changes_);
    EXPECT_EQ(told(), Texts{"-u"});
    EXPECT_EQ(users(), Texts{"v"});
}

TEST_F(PresenceTableTest, IgnoresChangesThatTheListHoldsAndThoseBeforeIt) {
    table_.apply(kA, change(3, "early", false), changes_);
    accept(kA, part({"u"}, 7));
    table_.apply(kA, change(6, "u", true), changes_);  // it left, and came again as 7
    table_.apply(kA, change(7, "u", false), changes_);
    EXPECT_EQ(told(), Texts{"+u"});
    table_.apply(kA, change(8, "u", true), changes_);
    EXPECT_EQ(told(), Texts{"-u"});
}

TEST_F(PresenceTableTest, TakesAListInPiecesAsAWhole) {
    EXPECT_FALSE(accept(kA, part({"a"}, 7, true, false)));
    EXPECT_FALSE(table_.knows(kA, kRoom, kSince));
    EXPECT_EQ(told(), Texts{});
    EXPECT_TRUE(accept(kA, part({"b"}, 7, false, true)));
    EXPECT_TRUE(table_.knows(kA, kRoom, kSince));
    EXPECT_EQ(told(), (Texts{"+a", "+b"}));
    EXPECT_TRUE(accept(kA, part({"b", "c"}, 9)));
    EXPECT_EQ(told(), (Texts{"-a", "+c"}));
}

TEST_F(PresenceTableTest, DoesNotBelieveAListMadeForAnEarlierInterest) {
    PresencePart old = part({"ghost"}, 7);
    old.version = InterestVersion{4};
    EXPECT_FALSE(accept(kA, old));
    EXPECT_FALSE(table_.knows(kA, kRoom, kSince));
    EXPECT_EQ(told(), Texts{});
}

TEST_F(PresenceTableTest, KeepsTheUsersOfALostOriginForTheGrace) {
    accept(kA, part({"u", "v"}, 7));
    accept(kB, part({"v"}, 1));
    told();
    table_.lose(kStart, kA);
    table_.on_deadline(kStart, changes_);
    EXPECT_FALSE(table_.knows(kA, kRoom, kSince));
    EXPECT_EQ(table_.next_deadline(), kStart + Timing{}.presence_grace);
    table_.on_deadline(kStart + Timing{}.presence_grace - 1ms, changes_);
    EXPECT_EQ(told(), Texts{});
    table_.on_deadline(kStart + Timing{}.presence_grace, changes_);
    EXPECT_EQ(told(), Texts{"-u"});
    EXPECT_EQ(users(), Texts{"v"});
}

TEST_F(PresenceTableTest, NeitherLeavesNorJoinsWhoComesElsewhereWithinTheGrace) {
    accept(kA, part({"u", "v"}, 7));
    told();
    table_.lose(kStart, kA);
    table_.on_deadline(kStart, changes_);
    join(0, "u");
    accept(kB, part({"v"}, 3));
    table_.on_deadline(kStart + 1h, changes_);
    EXPECT_EQ(told(), Texts{});
}

TEST_F(PresenceTableTest, BelievesAnOriginAgainWhenItHasListedAnew) {
    accept(kA, part({"u", "v"}, 7));
    told();
    table_.lose(kStart, kA);
    table_.apply(kA, change(8, "v", true), changes_);  // of the new session, before its list
    EXPECT_EQ(told(), Texts{});
    EXPECT_TRUE(accept(kA, part({"u"}, 8)));  // before the loss was worked off
    EXPECT_EQ(told(), Texts{"-v"});
    table_.on_deadline(kStart + 1h, changes_);
    EXPECT_EQ(told(), Texts{});
    EXPECT_EQ(users(), Texts{"u"});
}

TEST_F(PresenceTableTest, TheGraceEndsEarlyWhenEveryOriginHasListedItsUsers) {
    accept(kA, part({"u", "v"}, 7));
    accept(kB, part({"w"}, 1));
    told();
    table_.lose(kStart, kA);
    table_.on_deadline(kStart, changes_);  // the loss is worked off, and the grace runs
    EXPECT_TRUE(accept(kA, part({"u"}, 8)));
    EXPECT_EQ(told(), Texts{}) << "another origin may bring the user";
    table_.end_graces(kRoom, changes_);
    EXPECT_EQ(told(), Texts{"-v"});
    table_.on_deadline(kStart + 1h, changes_);
    EXPECT_EQ(told(), Texts{});
    EXPECT_EQ(users(), (Texts{"u", "w"}));
}

TEST_F(PresenceTableTest, DropsAListThatTheEndOfItsSessionHasCutOff) {
    accept(kA, part({"u"}, 7, true, false));
    table_.lose(kStart, kA);
    EXPECT_FALSE(accept(kA, part({"v"}, 7, false, true)));
    EXPECT_EQ(told(), Texts{});
}

TEST_F(PresenceTableTest, LosesABigOriginInSlices) {
    limits_.presence_slice = 4;
    PresenceTable table(kSelf, Timing{}, limits_);
    for (int i = 0; i < 10; ++i) {
        PresencePart room = part({"u"}, 1);
        room.channel += std::to_string(i);
        table.accept(kA, room, kSince, changes_);
    }
    changes_.clear();
    table.lose(kStart, kA);
    int turns = 0;
    for (; table.next_deadline() == Instant{}; ++turns) {
        table.on_deadline(kStart, changes_);
    }
    EXPECT_GE(turns, 3);
    for (const std::size_t left : {6u, 2u, 0u}) {
        EXPECT_LE(table.next_deadline(), kStart + 1h);
        table.on_deadline(kStart + 1h, changes_);
        EXPECT_EQ(table.users(), left) << "their graces end in slices too";
    }
    EXPECT_EQ(changes_.size(), 10u);
    EXPECT_EQ(table.next_deadline(), std::nullopt);
}

TEST_F(PresenceTableTest, KnowsWhoListsOrHasTooMany) {
    limits_.presence_users = 2;
    limits_.presence_bytes = 20;
    PresenceTable small(kSelf, Timing{}, limits_);
    PresencePart first{
        .channel = kRoom, .version = kSince, .at = RecordNo{1}, .first = true, .last = false, .members = {}};
    first.members = {{"a", share("{}")}, {"b", share("{}")}};
    EXPECT_FALSE(small.accept(kB, first, kSince, changes_));
    EXPECT_FALSE(small.is_over(kB, kRoom));
    PresencePart more = first;
    more.first = false;
    more.last = true;
    more.members = {{"c", share("{}")}};
    EXPECT_FALSE(small.accept(kB, more, kSince, changes_));
    EXPECT_TRUE(small.is_over(kB, kRoom)) << "three in a list";
    first.members = {{"a", share(std::string(20, 'x'))}};
    EXPECT_FALSE(small.accept(kB, first, kSince, changes_));
    EXPECT_TRUE(small.is_over(kB, kRoom)) << "21 bytes";
    first.last = true;
    first.members = {{"a", share("{}")}, {"b", share("{}")}};
    EXPECT_TRUE(small.accept(kB, first, kSince, changes_));
    EXPECT_FALSE(small.is_over(kB, kRoom));
    small.apply(kB, change(2, "b", true), changes_);
    small.apply(kB, change(3, "c", false), changes_);
    EXPECT_FALSE(small.is_over(kB, kRoom));
    small.apply(kB, change(4, "d", false), changes_);
    EXPECT_TRUE(small.is_over(kB, kRoom)) << "one after the other";
    small.lose(kStart, kB);
    small.on_deadline(kStart, changes_);
    EXPECT_FALSE(small.is_over(kB, kRoom));
}

TEST_F(PresenceTableTest, RefusesWhoIsOneTooMany) {
    EXPECT_EQ(join(0, "a", 2), PresenceTable::Joined::kNew);
    accept(kA, part({"b"}, 1));
    EXPECT_EQ(join(0, "c", 2), PresenceTable::Joined::kFull);
    EXPECT_EQ(join(1, "b", 2), PresenceTable::Joined::kNew);  // known already: not one more
    EXPECT_EQ(told(), (Texts{"+a", "+b"}));
}

TEST_F(PresenceTableTest, ForgetsAChannelThatNobodyHereWatches) {
    accept(kA, part({"u"}, 7));
    table_.forget(kRoom);
    EXPECT_EQ(table_.users(), 0u);
    table_.apply(kA, change(8, "u", true), changes_);
    table_.lose(kStart, kA);
    table_.on_deadline(kStart + 1h, changes_);
    EXPECT_EQ(told(), Texts{"+u"});  // from the beginning
    EXPECT_EQ(table_.next_deadline(), std::nullopt);
}

}  // namespace
}  // namespace tulle::mesh::presence_table_test
