#include "tests/unit/mesh/core/played_peer.hpp"

namespace tulle::mesh::mesh_node_presence_test {
namespace {

const std::string kRoom = "app/presence-room";
const std::string kKey = presence_key(kRoom);

class MeshNodePresenceTest : public PlayedPeerTest {
protected:
    explicit MeshNodePresenceTest(const Limits& limits = {}) : PlayedPeerTest(limits) {}
    /// A first subscriber, as far as the peer's acknowledgement.
    InterestVersion subscribe(std::uint16_t shard) {
        from_shard(shard, Subscribe{kRoom, 1, true});
        const InterestVersion version = node_.local_interest().log().version();
        control(InterestAck{version});
        return version;
    }
    PresencePart list(std::vector<std::string> users, InterestVersion version) {
        PresencePart part{
            .channel = kRoom, .version = version, .at = RecordNo{20}, .first = true, .last = true, .members = {}};
        for (std::string& user : users) {
            part.members.push_back({std::move(user), share("{}")});
        }
        return part;
    }
};

TEST_F(MeshNodePresenceTest, ConfirmsWhenTheMembersAreListedNotWhenTheInterestIsAcknowledged) {
    const InterestVersion version = subscribe(0);
    EXPECT_TRUE(to_shards<Subscribed>(out_).empty());
    frame({list({"u"}, version)});
    const auto answers = to_shards<Subscribed>(out_);
    ASSERT_EQ(answers.size(), 1u);
    ASSERT_NE(answers[0].members, nullptr);
    ASSERT_EQ(answers[0].members->size(), 1u);
    EXPECT_EQ(answers[0].members->at(0).user, "u");
    from_shard(1, Subscribe{kRoom, 7, true});  // nothing is missing for a second shard
    EXPECT_EQ(to_shards<Subscribed>(out_).size(), 2u);
}

TEST_F(MeshNodePresenceTest, DoesNotWaitForTheListOfThePeerThatHasLeft) {
    subscribe(0);
    control(Leave{FrameNo{0}});
    EXPECT_EQ(to_shards<Subscribed>(out_).size(), 1u);
}

TEST_F(MeshNodePresenceTest, OwesThePeerAListAndThenEachChange) {
    frame({list({}, subscribe(0))});
    from_shard(0, MemberJoin{1, kRoom, {"u", share("{}")}, 100});
    EXPECT_TRUE(frames(out_).empty());
    control(InterestDelta{InterestVersion{0}, {{true, kRoom}, {true, kKey}}, InterestVersion{2}});
    ASSERT_EQ(frames(out_).size(), 1u);
    ASSERT_EQ(frames(out_)[0]->presence.size(), 1u);
    EXPECT_EQ(frames(out_)[0]->presence[0]->version, InterestVersion{2});
    EXPECT_EQ(frames(out_)[0]->presence[0]->members.size(), 1u);
    out_.clear();
    from_shard(1, Subscribe{kRoom, 1, true});
    from_shard(1, MemberJoin{2, kRoom, {"u", share("{}")}, 100});  // the same user on another shard
    EXPECT_TRUE(frames(out_).empty());
    from_shard(0, MemberLeave{kRoom, "u"});
    EXPECT_TRUE(frames(out_).empty());
    from_shard(1, MemberLeave{kRoom, "u"});
    ASSERT_EQ(frames(out_).size(), 1u);
    EXPECT_TRUE(frames(out_)[0]->records.at(0)->left);
}

TEST_F(MeshNodePresenceTest, AnswersAJoinBehindTheChangeThatEverybodyIsTold) {
    frame({list({}, subscribe(0))});
    out_.clear();
    from_shard(0, MemberJoin{4, kRoom, {"u", share("{}")}, 1});
    ASSERT_EQ(to_shards<MemberChanged>(out_).size(), 1u);
    ASSERT_EQ(to_shards<MemberJoined>(out_).size(), 1u);
    EXPECT_EQ(to_shards<MemberJoined>(out_)[0].outcome, JoinOutcome::kJoined);
    from_shard(0, MemberJoin{5, kRoom, {"v", share("{}")}, 1});
    EXPECT_EQ(to_shards<MemberJoined>(out_).back().outcome, JoinOutcome::kFull);
    from_shard(1, MemberJoin{6, kRoom, {"v", share("{}")}, 9});
    EXPECT_EQ(to_shards<MemberJoined>(out_).back().outcome, JoinOutcome::kNotReady);
    from_shard(0, MemberJoin{7, kRoom, {std::string(kMaxUserBytes + 1, 'u'), share("{}")}, 9});
    EXPECT_EQ(to_shards<MemberJoined>(out_).back().outcome, JoinOutcome::kTooLarge);
}

TEST_F(MeshNodePresenceTest, TellsOfTheUsersOfALeaverAfterTheGraceOnly) {
    frame({list({"u"}, subscribe(0))});
    control(Leave{FrameNo{1}});
    out_.clear();
    now_ += Timing{}.presence_grace - 1ms;
    node_.settle(now_, out_);
    EXPECT_TRUE(to_shards<MemberChanged>(out_).empty());
    now_ += 1ms;
    node_.settle(now_, out_);
    ASSERT_EQ(to_shards<MemberChanged>(out_).size(), 1u);
    EXPECT_FALSE(to_shards<MemberChanged>(out_)[0].joined);
}

TEST_F(MeshNodePresenceTest, AShardWithoutSubscribersHasNoUsers) {
    frame({list({}, subscribe(0))});
    control(InterestDelta{InterestVersion{0}, {{true, kRoom}, {true, kKey}}, InterestVersion{2}});
    from_shard(0, MemberJoin{1, kRoom, {"u", share("{}")}, 100});
    out_.clear();
    from_shard(0, Unsubscribe{kRoom});
    ASSERT_EQ(frames(out_).size(), 1u);
    EXPECT_TRUE(frames(out_)[0]->records.at(0)->left);
    EXPECT_EQ(node_.presence().users(), 0u);
    EXPECT_EQ(node_.local_interest().log().size(), 0u);
}

class FallenBehindTest : public MeshNodePresenceTest {
protected:
    static Limits small() {
        Limits limits;
        limits.credit_bytes = 1;  // one frame at a time
        limits.ring_bytes = 4096;
        limits.ring_stubs = 4;
        return limits;
    }
    FallenBehindTest() : MeshNodePresenceTest(small()) {}
};

TEST_F(FallenBehindTest, WhoHasLostUnknownChangesIsListedAlsoWhereNobodyIs) {
    control(InterestDelta{InterestVersion{0}, {{true, "app/x"}, {true, kRoom}, {true, kKey}}, InterestVersion{3}});
    ASSERT_EQ(frames(out_).size(), 1u);
    EXPECT_EQ(frames(out_)[0]->presence.size(), 1u);
    for (std::uint64_t i = 0; i < 200; ++i) {
        from_shard(0, Publish{i, {"app/x"}, share(EventBody({}, std::string(100, 'x'))), {}});
    }
    out_.clear();
    for (std::uint64_t n = 1; n < 20; ++n) {
        control(Receipt{FrameNo{n}});
    }
    ASSERT_FALSE(frames(out_).empty());
    EXPECT_GT(frames(out_)[0]->gone.unknown, 0u) << "so the peer holds no list of ours for complete any more";
    std::vector<PresencePart> lists;
    for (const FramePtr& sent : frames(out_)) {
        for (const auto& part : sent->presence) {
            lists.push_back(*part);
        }
    }
    ASSERT_EQ(lists.size(), 1u);
    EXPECT_EQ(lists[0].channel, kRoom);
    EXPECT_EQ(lists[0].version, InterestVersion{3});
    EXPECT_TRUE(lists[0].first && lists[0].last && lists[0].members.empty());
}

}  // namespace
}  // namespace tulle::mesh::mesh_node_presence_test
