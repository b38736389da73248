#include "tests/unit/mesh/core/played_peer.hpp"

namespace tulle::mesh::mesh_node_retained_test {
namespace {

const std::string kChannel = "app/cache-a";
const std::string kKey = retained_key(kChannel);

class MeshNodeRetainedTest : public PlayedPeerTest {
protected:
    void publish(const std::string& body) {
        Publish message{1, {kChannel}, share(EventBody("e", body)), {}};
        message.retained = 1;
        message.keep_for = 1min;
        from_shard(0, std::move(message));
    }
    /// A first subscriber, as far as the peer's acknowledgement.
    InterestVersion subscribe(std::uint16_t shard) {
        from_shard(shard, Subscribe{.channel = kChannel, .generation = 1, .retained = true});
        const InterestVersion version = node_.local_interest().log().version();
        control(InterestAck{version});
        return version;
    }
    RetainedPart answer(InterestVersion version, std::uint64_t time_us, const std::string& body,
                        RecordNo at = RecordNo{20}) {
        return {.channel = kChannel,
                .version = version,
                .at = at,
                .stamp = {time_us, OriginId{time_us == 0 ? 0u : 2u}},
                .body = share(EventBody("e", body)),
                .left = 1min};
    }
    Record event(std::uint64_t n, std::uint64_t time_us, const std::string& body) {
        Record record{.n = RecordNo{n},
                      .channels = {kChannel, "app/b"},
                      .body = share(EventBody("e", body)),
                      .exclude_socket = {}};
        record.retained = 1;
        record.stamp = {time_us, OriginId{2}};
        record.keep_for = 1min;
        return record;
    }
    std::vector<RecordPtr> delivered() const {
        std::vector<RecordPtr> records;
        for (const Effect& effect : out_) {
            if (const auto* local = std::get_if<DeliverLocal>(&effect)) {
                records.push_back(local->record);
            }
        }
        return records;
    }
};

TEST_F(MeshNodeRetainedTest, ConfirmsWhenThePeerHasToldWhatItHolds) {
    const InterestVersion version = subscribe(0);
    EXPECT_TRUE(to_shards<Subscribed>(out_).empty());
    frame({}, {}, {answer(version, 900, "theirs")});
    const auto answers = to_shards<Subscribed>(out_);
    ASSERT_EQ(answers.size(), 1u);
    ASSERT_TRUE(answers[0].last);
    EXPECT_EQ(answers[0].last->body->data(), "theirs");
    EXPECT_EQ(answers[0].last->until, now_ + 1min);
}

TEST_F(MeshNodeRetainedTest, ThePeerMayHoldNothing) {
    frame({}, {}, {answer(subscribe(0), 0, "")});
    ASSERT_EQ(to_shards<Subscribed>(out_).size(), 1u);
    EXPECT_FALSE(to_shards<Subscribed>(out_)[0].last);
}

TEST_F(MeshNodeRetainedTest, ItsOwnLaterEventWins) {
    publish("ours");
    frame({}, {}, {answer(subscribe(0), 1, "theirs")});
    EXPECT_EQ(to_shards<Subscribed>(out_).at(0).last->body->data(), "ours");
}

TEST_F(MeshNodeRetainedTest, SendsEventsToTheirKeepersThoughNobodySubscribesThere) {
    publish("ours");
    ASSERT_EQ(frames(out_).size(), 1u);  // of two nodes both are keepers
    EXPECT_EQ(frames(out_)[0]->records.at(0)->retained, 1u);
}

TEST_F(MeshNodeRetainedTest, AnswersThePeersInterestAheadOfRecords) {
    publish("ours");
    out_.clear();
    control(InterestDelta{InterestVersion{0}, {{true, kChannel}, {true, kKey}}, InterestVersion{2}});
    ASSERT_EQ(frames(out_).size(), 1u);
    ASSERT_EQ(frames(out_)[0]->retained.size(), 1u);
    EXPECT_EQ(frames(out_)[0]->retained[0]->version, InterestVersion{2});
    EXPECT_EQ(frames(out_)[0]->retained[0]->body->data(), "ours");
}

TEST_F(MeshNodeRetainedTest, WhatTheAnswerHoldsDoesNotComeAgainOnThatChannel) {
    from_shard(0, Subscribe{"app/b", 1});
    const InterestVersion version = subscribe(0);
    frame({}, {}, {answer(version, 900, "theirs", RecordNo{60})});
    out_.clear();
    frame({}, {event(60, 900, "theirs"), event(61, 901, "next")});
    ASSERT_EQ(delivered().size(), 2u);
    EXPECT_EQ(delivered()[0]->channels, (std::vector<std::string>{"app/b"}));
    EXPECT_EQ(delivered()[0]->retained, 0u);
    EXPECT_EQ(delivered()[1]->channels.size(), 2u);
}

TEST_F(MeshNodeRetainedTest, TellsSubscribersShardsOfAnEventTheyHaveMissed) {
    const InterestVersion version = subscribe(0);
    frame({}, {}, {answer(version, 900, "theirs")});
    out_.clear();
    frame({}, {}, {answer(version, 950, "handed on")});
    const auto told = to_shards<RetainedFound>(out_);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].event.body->data(), "handed on");
    EXPECT_TRUE(to_shards<Subscribed>(out_).empty());
}

TEST_F(MeshNodeRetainedTest, AQueryBringsTheNewestOfWhatAnybodyHolds) {
    publish("ours");
    out_.clear();
    from_shard(0, Query{.id = 7, .body = "q", .timeout = 1s, .retained = {kChannel, "app/cache-none"}});
    const auto asked = controls<QueryAsk>(out_);
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_EQ(asked[0].retained.size(), 2u);
    const std::uint64_t later = std::uint64_t{1} << 60;
    control(QueryAnswer{asked[0].id, {}, false, std::make_shared<const RetainedPart>(answer({}, later, "theirs"))});
    control(QueryAnswer{asked[0].id, {}, true, {}});
    for (const ShardIndex shard : {ShardIndex{0}, ShardIndex{1}}) {
        from_shard(shard.value, LocalAnswer{to_shards<LocalQuery>(out_).at(shard.value).token, {}, true});
    }
    const auto results = to_shards<QueryResult>(out_);
    ASSERT_EQ(results.size(), 1u);
    ASSERT_EQ(results[0].retained.size(), 1u);
    EXPECT_EQ(results[0].retained[0].first, kChannel);
    EXPECT_EQ(results[0].retained[0].second.body->data(), "theirs");
}

TEST_F(MeshNodeRetainedTest, TellsAPeerThatAsksWhatItHolds) {
    publish("ours");
    out_.clear();
    control(QueryAsk{5, "q", 1000, {kChannel, "app/cache-none"}});
    const auto answers = controls<QueryAnswer>(out_);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].id, 5u);
    EXPECT_EQ(answers[0].retained->body->data(), "ours");
}

TEST_F(MeshNodeRetainedTest, RefusesToKeepForTooLong) {
    Publish message{1, {kChannel}, share(EventBody("e", "x")), {}};
    message.retained = 1;
    message.keep_for = kMaxKeepFor + 1ms;
    from_shard(0, std::move(message));
    EXPECT_EQ(to_shards<Published>(out_).at(0).outcome, PublishOutcome::kTooLarge);
}

/// More peers than the one that accepts the events. No channel has a subscriber.
class MeshNodeRetainedViewsTest : public MeshNodeRetainedTest {
protected:
    /// A session with a further peer. Returns the connection to the peer.
    ConnectionId meet(std::uint64_t id) {
        const OriginId oid{id};
        const std::string name = "n" + std::to_string(id);
        const Introduction further{
            "test", name, "1", {name + ":1", name + ":2", name + ":3"}, kOldestProtocolVersion, kProtocolVersion, true};
        feed(Control{oid, OriginId{1}, {}, Hello{further, SessionTag{70 + id}, {}, {}}});
        ConnectionId connection;
        for (const Effect& effect : Effects(out_)) {
            if (const auto* open = std::get_if<OpenConnection>(&effect)) {
                connection = open->connection;
            }
        }
        feed(ConnectionUp{connection});
        const SessionTag tag = controls<Welcome>(out_).back().tag;
        feed(Control{oid, OriginId{1}, tag, Heartbeat{}});
        feed(Control{oid, OriginId{1}, tag, InterestPull{}});
        feed(Control{oid, OriginId{1}, tag, InterestDelta{InterestVersion{0}, {}, InterestVersion{0}}});
        feed(SubscriberSeen{oid});
        EXPECT_TRUE(node_.membership().find(oid)->in_session());
        out_.clear();
        return connection;
    }
    /// The heartbeat of a peer with the same members as this node.
    void agree() { control(Heartbeat{.members_digest = node_.membership().digest()}); }
    /// The peer's next event. Returns the nodes to which this node passes the event on.
    std::vector<OriginId> passed_on() {
        ++events_;
        // What is handed on for a change of members goes first.
        wait(10ms);
        out_.clear();
        frame({}, {event(50 + events_, 1000 + events_, "e")});
        std::vector<OriginId> receivers;
        for (const Effect& effect : out_) {
            const auto* send = std::get_if<SendData>(&effect);
            const auto* sent = send == nullptr ? nullptr : std::get_if<FramePtr>(&send->message.body);
            if (sent != nullptr && !(*sent)->retained.empty()) {
                receivers.push_back(send->message.dst);
            }
        }
        return receivers;
    }

    std::uint64_t events_ = 0;
};

TEST_F(MeshNodeRetainedViewsTest, AnOriginThatHasNotBeenHeardSinceANodeCameMayNotKnowThatNode) {
    agree();
    meet(3);
    EXPECT_EQ(passed_on(), (std::vector{OriginId{3}}));
    agree();
    EXPECT_EQ(passed_on(), std::vector<OriginId>{}) << "the origin names node 3 itself";
}

TEST_F(MeshNodeRetainedViewsTest, AnOriginThatHasNotBeenHeardSinceANodeWentMayNameThatNode) {
    meet(3);
    const ConnectionId connection = meet(4);
    agree();
    EXPECT_EQ(passed_on(), std::vector<OriginId>{});
    feed(ConnectionDown{connection});
    feed(EndpointChecked{connection, EndpointState::kRefused});
    ASSERT_FALSE(node_.membership().find(OriginId{4})->in_session());
    EXPECT_EQ(passed_on(), (std::vector{OriginId{3}}));
    agree();
    EXPECT_EQ(passed_on(), std::vector<OriginId>{});
}

}  // namespace
}  // namespace tulle::mesh::mesh_node_retained_test
