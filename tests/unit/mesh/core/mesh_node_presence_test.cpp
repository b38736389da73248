#include <gtest/gtest.h>

#include "mesh/core/mesh_node.hpp"

namespace tulle::mesh {
namespace {

constexpr Instant kStart{10s};
const std::string kRoom = "app/presence-room";
const std::string kKey = presence_key(kRoom);

template <class T>
std::vector<T> to_shards(const Effects& effects) {
    std::vector<T> found;
    for (const Effect& effect : effects) {
        const auto* to = std::get_if<ToPort>(&effect);
        if (const T* what = to == nullptr ? nullptr : std::get_if<T>(&to->message)) {
            found.push_back(*what);
        }
    }
    return found;
}

template <class T>
std::vector<T> controls(const Effects& effects) {
    std::vector<T> found;
    for (const Effect& effect : effects) {
        const auto* send = std::get_if<SendControl>(&effect);
        if (const T* what = send == nullptr ? nullptr : std::get_if<T>(&send->message.body)) {
            found.push_back(*what);
        }
    }
    return found;
}

std::vector<FramePtr> frames(const Effects& effects) {
    std::vector<FramePtr> found;
    for (const Effect& effect : effects) {
        const auto* send = std::get_if<SendData>(&effect);
        if (const auto* frame = send == nullptr ? nullptr : std::get_if<FramePtr>(&send->message.body)) {
            found.push_back(*frame);
        }
    }
    return found;
}

/// One real node with two shards, and a peer played by the test, in session from the start.
class MeshNodePresenceTest : public testing::Test {
protected:
    MeshNodePresenceTest() {
        node_.set_shards(3);
        node_.start(kStart, out_);
        const Introduction peer{"test", "b", "1", {"b:1", "b:2", "b:3"}, kOldestProtocolVersion, kProtocolVersion, true};
        control(Hello{peer, SessionTag{77}, {std::nullopt, RecordNo{}, {}, {}}, {}});
        for (const Effect& effect : Effects(out_)) {
            if (const auto* open = std::get_if<OpenLink>(&effect)) {
                feed(LinkUp{open->link});
            }
        }
        tag_ = controls<Welcome>(out_).back().tag;
        control(Heartbeat{});
        control(InterestPull{});
        control(InterestDelta{InterestVersion{0}, {}, InterestVersion{0}});
        feed(SubscriberSeen{OriginId{2}});
        out_.clear();
    }

    void feed(Input input) {
        node_.step(now_, input, out_);
        node_.settle(now_, out_);
    }
    void control(ControlBody body) { feed(Control{OriginId{2}, OriginId{1}, tag_, std::move(body)}); }
    void from_shard(std::uint16_t shard, ToHub message) { feed(PortInput{ShardIndex{shard}, std::move(message)}); }
    void frame(std::vector<PresencePart> parts, std::vector<Record> records = {}) {
        Frame made{.no = FrameNo{++frames_}, .upto = RecordNo{50}, .gone = {}, .records = {}};
        for (PresencePart& part : parts) {
            made.presence.push_back(std::make_shared<const PresencePart>(std::move(part)));
        }
        for (Record& record : records) {
            made.records.push_back(std::make_shared<const Record>(std::move(record)));
        }
        feed(Data{OriginId{2}, OriginId{1}, tag_, std::make_shared<const Frame>(std::move(made))});
    }
    /// A first subscriber, as far as the peer's acknowledgement.
    InterestVersion subscribe(std::uint16_t shard) {
        from_shard(shard, Subscribe{kRoom, 1, true});
        const InterestVersion version = node_.local_interest().log().version();
        control(InterestAck{version});
        return version;
    }
    PresencePart list(std::vector<std::string> users, InterestVersion version) {
        PresencePart part{.channel = kRoom, .version = version, .at = RecordNo{20}, .first = true, .last = true, .members = {}};
        for (std::string& user : users) {
            part.members.push_back({std::move(user), share("{}")});
        }
        return part;
    }

    MeshNode node_{{.oid = OriginId{1}, .cluster = "test", .name = "a", .version = "1",
                    .endpoints = {"a:1", "a:2", "a:3"}, .seeds = {}, .timing = {}, .limits = {}}, 1};
    Instant now_ = kStart;
    Effects out_;
    SessionTag tag_;
    std::uint64_t frames_ = 0;
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

}  // namespace
}  // namespace tulle::mesh
