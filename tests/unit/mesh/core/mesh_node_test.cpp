#include "mesh/core/node/mesh_node.hpp"

#include <gtest/gtest.h>

namespace tulle::mesh::mesh_node_test {
namespace {

constexpr Instant kStart{10s};

NodeOptions options(std::uint64_t oid, const std::string& name, std::vector<std::string> seeds = {}) {
    return {.oid = OriginId{oid},
            .cluster = "test",
            .name = name,
            .version = "1",
            .endpoints = {name + ":1", name + ":2", name + ":3"},
            .seeds = std::move(seeds),
            .timing = {},
            .limits = {}};
}

template <class T>
std::vector<T> all_of(const Effects& effects) {
    std::vector<T> found;
    for (const Effect& effect : effects) {
        if (const T* what = std::get_if<T>(&effect)) {
            found.push_back(*what);
        }
    }
    return found;
}

template <class T>
std::vector<T> bodies(const Effects& effects) {
    std::vector<T> found;
    for (const SendControl& send : all_of<SendControl>(effects)) {
        if (const T* body = std::get_if<T>(&send.message.body)) {
            found.push_back(*body);
        }
    }
    return found;
}

/// One real node, and a second one played by the test.
class MeshNodeTest : public testing::Test {
protected:
    MeshNodeTest() {
        node_.set_shards(1);
        node_.start(kStart, out_);
    }

    void feed(Input input) {
        node_.step(now_, input, out_);
        node_.settle(now_, out_);
    }

    Control from_peer(ControlBody body, std::uint64_t tag) {
        return {OriginId{2}, OriginId{1}, SessionTag{tag}, std::move(body)};
    }

    Introduction peer() {
        return {"test", "b", "1", {"b:1", "b:2", "b:3"}, kOldestProtocolVersion, kProtocolVersion, true};
    }

    /// Brings the session up to where the peer has pulled and holds our interest.
    void establish() {
        feed(from_peer(Hello{peer(), SessionTag{77}, {std::nullopt, RecordNo{5}, {}, {}}, {}}, 0));
        connection_ = all_of<OpenConnection>(out_).back().connection;
        feed(ConnectionUp{connection_});
        tag_ = bodies<Welcome>(out_).back().tag.value;
        feed(from_peer(Heartbeat{}, tag_));
        feed(from_peer(InterestPull{}, tag_));
        feed(from_peer(InterestDelta{InterestVersion{0}, {{true, "app/news"}}, InterestVersion{1}}, tag_));
        out_.clear();
    }

    /// Strangers subscribe on the data port, each under an id of its own.
    void fill_subscribers(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            feed(SubscriberSeen{OriginId{1000 + i}});
        }
    }

    void publish(const std::string& channel) {
        feed(PortInput{ShardIndex{0}, Publish{1, {channel}, share(EventBody("e", "x")), {}}});
    }

    /// A third node had a session, and is dead: the peer has been asked for what it has of it.
    void lose_third(bool began_anew = false) {
        const auto from_third = [](ControlBody body, std::uint64_t tag) {
            return Control{OriginId{3}, OriginId{1}, SessionTag{tag}, std::move(body)};
        };
        Introduction third = peer();
        third.name = "c";
        third.endpoints = {"c:1", "c:2", "c:3"};
        feed(from_third(Hello{third, SessionTag{5}, {std::nullopt, RecordNo{5}, {}, {}}, {}}, 0));
        const ConnectionId connection = all_of<OpenConnection>(out_).back().connection;
        feed(ConnectionUp{connection});
        feed(from_third(Heartbeat{}, bodies<Welcome>(out_).back().tag.value));
        if (began_anew) {
            feed(from_third(Hello{third, SessionTag{6}, {RecordNo{0}, RecordNo{5}, {}, {}}, {}}, 0));
            EXPECT_FALSE(node_.membership().find(OriginId{3})->in_session());
        }
        feed(ConnectionDown{connection});
        feed(EndpointChecked{connection, EndpointState::kRefused});
        for (int i = 0; began_anew && bodies<Wake>(out_).empty() && i < 60; ++i) {
            now_ += 100ms;
            feed(from_peer(Heartbeat{}, tag_));
        }
        ASSERT_EQ(bodies<Wake>(out_).size(), 1u);
        EXPECT_EQ(bodies<Wake>(out_)[0].delivered, RecordNo{5});
    }

    MeshNode node_{options(1, "a"), 1};
    Instant now_ = kStart;
    Effects out_;
    std::uint64_t tag_ = 0;
    ConnectionId connection_;
};

TEST_F(MeshNodeTest, ServesAtOnceWhenItKnowsNobody) {
    EXPECT_EQ(all_of<ReadinessChanged>(out_).size(), 1u);
    publish("app/news");
    const auto answers = all_of<ToPort>(out_);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(std::get<Published>(answers[0].message).outcome, PublishOutcome::kAccepted);
}

TEST_F(MeshNodeTest, EchoesAfterWhatWasPublishedBefore) {
    feed(PortInput{ShardIndex{0}, Subscribe{"app/news", 1, false, false}});
    out_.clear();
    publish("app/news");
    feed(PortInput{ShardIndex{0}, Echo{7}});
    ASSERT_EQ(all_of<DeliverLocal>(out_).size(), 1u);
    const auto answers = all_of<ToPort>(out_);
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(std::get<Echoed>(answers.back().message).id, 7u);
    EXPECT_TRUE(std::holds_alternative<ToPort>(out_.back())) << "the echo comes last";
}

TEST_F(MeshNodeTest, TellsThePortsOfAPeerThatComesAndGoes) {
    establish();
    lose_third();
    const auto changes = all_of<PeerChanged>(out_);
    ASSERT_EQ(changes.size(), 2u);
    EXPECT_EQ(changes[0].change.oid, OriginId{3});
    EXPECT_FALSE(changes[0].change.is_gone);
    EXPECT_EQ(changes[1].change.oid, OriginId{3});
    EXPECT_TRUE(changes[1].change.is_gone);
}

TEST_F(MeshNodeTest, AnswersAHelloWithAWelcomeAndPullsTheInterest) {
    feed(from_peer(Hello{peer(), SessionTag{77}, {std::nullopt, RecordNo{5}, {}, {}}, {}}, 0));
    ASSERT_EQ(all_of<OpenConnection>(out_).size(), 1u);
    EXPECT_EQ(all_of<OpenConnection>(out_)[0].endpoint, "b:1");
    feed(ConnectionUp{all_of<OpenConnection>(out_)[0].connection});
    const auto welcomes = bodies<Welcome>(out_);
    ASSERT_FALSE(welcomes.empty());
    EXPECT_EQ(welcomes.back().echo, SessionTag{77});
    feed(from_peer(Heartbeat{}, welcomes.back().tag.value));
    EXPECT_EQ(bodies<InterestPull>(out_).size(), 1u);
    ASSERT_EQ(all_of<ConnectData>(out_).size(), 1u);
    EXPECT_EQ(all_of<ConnectData>(out_)[0].endpoint, "b:2");
}

TEST_F(MeshNodeTest, SendsOnlyWhatThePeerHasInterestIn) {
    establish();
    feed(SubscriberSeen{OriginId{2}});
    publish("app/other");
    EXPECT_TRUE(all_of<SendData>(out_).empty());
    publish("app/news");
    const auto sent = all_of<SendData>(out_);
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].message.tag, SessionTag{77});
    EXPECT_EQ(std::get<FramePtr>(sent[0].message.body)->upto, RecordNo{2});
}

TEST_F(MeshNodeTest, ConfirmsASubscriptionOnlyWhenThePeerHasAcknowledgedIt) {
    establish();
    feed(PortInput{ShardIndex{0}, Subscribe{"app/mine", 1}});
    feed(PortInput{ShardIndex{0}, Subscribe{"app/mine", 2}});  // a later one waits for the same version
    EXPECT_TRUE(all_of<ToPort>(out_).empty());
    feed(from_peer(InterestAck{InterestVersion{1}}, tag_));
    EXPECT_EQ(all_of<ToPort>(out_).size(), 2u);
}

TEST_F(MeshNodeTest, DropsWhatBelongsToAnEndedSession) {
    establish();
    feed(PortInput{ShardIndex{0}, Subscribe{"app/mine", 1}});
    feed(from_peer(InterestAck{InterestVersion{1}}, tag_ + 1));
    EXPECT_TRUE(all_of<ToPort>(out_).empty());
    EXPECT_EQ(node_.membership().counters().stale, 1u);
}

TEST_F(MeshNodeTest, AcceptsNoHelloOfAnotherCluster) {
    Introduction stranger = peer();
    stranger.cluster = "other";
    feed(from_peer(Hello{stranger, SessionTag{77}, {}, {}}, 0));
    feed(ConnectionUp{all_of<OpenConnection>(out_).back().connection});
    ASSERT_EQ(bodies<Refuse>(out_).size(), 1u);
    EXPECT_EQ(bodies<Refuse>(out_)[0].reason, RefusalReason::kCluster);
    EXPECT_EQ(node_.membership().find(OriginId{2}), nullptr);
}

TEST_F(MeshNodeTest, RefusesAnotherProtocolAndSaysWhichItSpeaks) {
    Introduction older = peer();
    older.oldest_protocol = older.newest_protocol = kOldestProtocolVersion - 1;
    feed(from_peer(Hello{older, SessionTag{77}, {std::nullopt, RecordNo{5}, {}, {}}, {}}, 0));
    ASSERT_FALSE(all_of<OpenConnection>(out_).empty());
    feed(ConnectionUp{all_of<OpenConnection>(out_)[0].connection});
    ASSERT_EQ(bodies<Refuse>(out_).size(), 1u);
    EXPECT_EQ(bodies<Refuse>(out_)[0].reason, RefusalReason::kProtocol);
    EXPECT_NE(bodies<Refuse>(out_)[0].text.find(std::to_string(kProtocolVersion)), std::string::npos);
}

TEST_F(MeshNodeTest, RefusesANewcomerThatBearsItsName) {
    Introduction twin = peer();
    twin.name = "a";
    twin.ready = false;
    feed(from_peer(Knock{twin, "a:1"}, 0));
    feed(ConnectionUp{all_of<OpenConnection>(out_).back().connection});
    ASSERT_EQ(bodies<Refuse>(out_).size(), 1u);
    EXPECT_EQ(bodies<Refuse>(out_)[0].reason, RefusalReason::kNameTaken);
}

TEST_F(MeshNodeTest, AcceptsAnEstablishedNodeWhoseNameANewcomerIsTaking) {
    Introduction newcomer = peer();
    newcomer.ready = false;
    newcomer.endpoints = {"elsewhere:1", "elsewhere:2", "elsewhere:3"};
    feed(Control{OriginId{3}, OriginId{1}, {}, Knock{newcomer, "a:1"}});
    feed(from_peer(Hello{peer(), SessionTag{77}, {}, {}}, 0));
    ASSERT_NE(node_.membership().find(OriginId{2}), nullptr);
    EXPECT_TRUE(node_.membership().find(OriginId{2})->bound);
    EXPECT_EQ(node_.membership().counters().refused, 0u);
}

TEST_F(MeshNodeTest, SendsRoundALinkThatThePeerDoesNotHear) {
    establish();
    Introduction witness = peer();
    witness.name = "w";
    witness.endpoints = {"w:1", "w:2", "w:3"};
    feed(Control{OriginId{3}, OriginId{1}, {}, Hello{witness, SessionTag{5}, {}, {}}});
    const ConnectionId to_witness = all_of<OpenConnection>(out_).back().connection;
    feed(ConnectionUp{to_witness});
    const SessionTag tag = bodies<Welcome>(out_).back().tag;
    feed(Control{OriginId{3}, OriginId{1}, tag, Heartbeat{}});
    feed(SubscriberSeen{OriginId{2}});
    feed(from_peer(Heartbeat{.deaf_via = OriginId{3}}, tag_));
    out_.clear();
    publish("app/news");
    const auto relayed = bodies<Relay>(out_);
    ASSERT_EQ(relayed.size(), 1u);
    EXPECT_EQ(relayed[0].to, OriginId{2});
    ASSERT_NE(relayed[0].data, nullptr);
    EXPECT_EQ(relayed[0].data->tag, SessionTag{77});
    EXPECT_TRUE(all_of<SendData>(out_).empty());
    feed(from_peer(Heartbeat{}, tag_));  // it hears us again
    out_.clear();
    publish("app/news");
    EXPECT_TRUE(bodies<Relay>(out_).empty());
    EXPECT_EQ(all_of<SendData>(out_).size(), 1u);
}

TEST_F(MeshNodeTest, HoldsPublishesAfterASleepUntilTheSessionIsConfirmed) {
    establish();
    now_ += 10s;
    node_.settle(now_, out_);
    ASSERT_FALSE(bodies<Ping>(out_).empty());
    publish("app/news");
    EXPECT_TRUE(all_of<ToPort>(out_).empty());
    feed(from_peer(Pong{bodies<Ping>(out_)[0].nonce}, tag_));
    ASSERT_EQ(all_of<ToPort>(out_).size(), 1u);
    EXPECT_EQ(std::get<Published>(all_of<ToPort>(out_)[0].message).outcome, PublishOutcome::kAccepted);
}

TEST_F(MeshNodeTest, DeclaresAPeerDeadAtOnceWhenItsEndpointRefuses) {
    establish();
    const ConnectionId connection = *node_.membership().find(OriginId{2})->connection;
    feed(ConnectionDown{connection});
    EXPECT_EQ(all_of<CheckEndpoint>(out_).size(), 1u);
    EXPECT_EQ(node_.membership().find(OriginId{2})->state, PeerState::kAlive);
    feed(EndpointChecked{connection, EndpointState::kRefused});
    EXPECT_EQ(node_.membership().find(OriginId{2})->state, PeerState::kDead);
    EXPECT_EQ(all_of<DisconnectData>(out_).size(), 1u);
}

TEST_F(MeshNodeTest, KeepsTheAttemptThatItHasBegunWhenTheDeadPeerBeginsOneToo) {
    establish();
    const ConnectionId connection = *node_.membership().find(OriginId{2})->connection;
    feed(ConnectionDown{connection});
    feed(EndpointChecked{connection, EndpointState::kRefused});
    out_.clear();
    now_ += 400ms;
    node_.settle(now_, out_);  // dials it again
    ASSERT_EQ(all_of<OpenConnection>(out_).size(), 1u);
    feed(ConnectionUp{all_of<OpenConnection>(out_)[0].connection});
    ASSERT_EQ(bodies<Hello>(out_).size(), 1u);
    const SessionTag tag = bodies<Hello>(out_)[0].tag;
    feed(from_peer(Hello{peer(), SessionTag{78}, {}, {}}, 0));  // it has dialled us at the same time
    ASSERT_EQ(bodies<Welcome>(out_).size(), 1u);
    EXPECT_EQ(bodies<Welcome>(out_)[0].tag, tag) << "it answers our first Hello now";
    feed(from_peer(Welcome{peer(), tag, SessionTag{78}, {}}, 0));
    EXPECT_EQ(node_.membership().find(OriginId{2})->state, PeerState::kAlive);
}

TEST_F(MeshNodeTest, EndsTheAttemptWhenTheDeadPeerThatItHasDialledRefuses) {
    establish();
    for (const bool dialled : {false, true}) {
        const ConnectionId connection = *node_.membership().find(OriginId{2})->connection;
        if (dialled) {
            feed(ConnectionUp{connection});
            EXPECT_NE(node_.membership().find(OriginId{2})->local_tag, SessionTag{});
        }
        feed(ConnectionDown{connection});
        feed(EndpointChecked{connection, EndpointState::kRefused});
        EXPECT_EQ(node_.membership().find(OriginId{2})->state, PeerState::kDead);
        EXPECT_EQ(node_.membership().find(OriginId{2})->local_tag, SessionTag{});
        now_ += 400ms;
        node_.settle(now_, out_);  // dials it, the first time
    }
}

TEST_F(MeshNodeTest, KillsASilentPeerBetweenOneAndTwoAndAHalfSeconds) {
    establish();
    for (const Instant end = kStart + 2500ms; now_ < end; now_ += 50ms) {
        node_.settle(now_, out_);
        EXPECT_NE(node_.membership().find(OriginId{2})->state, PeerState::kDead);
    }
    node_.settle(now_, out_);
    EXPECT_EQ(node_.membership().find(OriginId{2})->state, PeerState::kDead);
}

TEST_F(MeshNodeTest, AccusesNobodyAfterItsOwnLongSleep) {
    establish();
    now_ += 30s;
    node_.settle(now_, out_);
    EXPECT_EQ(node_.membership().find(OriginId{2})->state, PeerState::kAlive);
}

TEST_F(MeshNodeTest, ReleasesTheBarrierWhenTheOnlyOneThatOwesAnAnswerDies) {
    establish();
    feed(PortInput{ShardIndex{0}, Subscribe{"app/mine", 1}});
    const ConnectionId connection = *node_.membership().find(OriginId{2})->connection;
    feed(ConnectionDown{connection});
    feed(EndpointChecked{connection, EndpointState::kRefused});
    EXPECT_EQ(all_of<ToPort>(out_).size(), 1u);
}

TEST_F(MeshNodeTest, LeavesWhenEveryMemberHasReceiptedOrAtTheDeadline) {
    establish();
    feed(LeaveRequest{5s});
    ASSERT_FALSE(bodies<Heartbeat>(out_).empty());
    EXPECT_TRUE(bodies<Heartbeat>(out_).back().leaving);
    EXPECT_TRUE(bodies<Leave>(out_).empty()) << "the peer may leave too, and must know first";
    feed(from_peer(Heartbeat{.echo_us = bodies<Heartbeat>(out_).back().sent_at_us}, tag_));
    EXPECT_EQ(bodies<Leave>(out_).size(), 1u);
    EXPECT_TRUE(all_of<Left>(out_).empty());
    publish("app/news");
    EXPECT_EQ(std::get<Published>(all_of<ToPort>(out_).back().message).outcome, PublishOutcome::kNotReady);
    feed(from_peer(LeaveReceipt{}, tag_));
    EXPECT_EQ(all_of<Left>(out_).size(), 1u);
}

TEST_F(MeshNodeTest, AsksAgainForALostChunkOfASnapshotOfAStandingLink) {
    establish();
    now_ += 100ms;
    feed(from_peer(Heartbeat{.version = InterestVersion{1}, .digest = 4711}, tag_));  // another digest at our version
    ASSERT_EQ(bodies<InterestPull>(out_).size(), 1u);
    EXPECT_TRUE(bodies<InterestPull>(out_)[0].fresh);
    now_ += 50ms;
    feed(from_peer(InterestChunk{.snapshot = 1, .base = InterestVersion{1}, .channels = {"app/a"}, .last = false},
                   tag_));
    EXPECT_EQ(bodies<InterestPull>(out_).back().after, "app/a");
    out_.clear();
    now_ += 100ms;  // the answer does not come
    ASSERT_LE(node_.next_deadline(), now_);
    node_.settle(now_, out_);
    ASSERT_EQ(bodies<InterestPull>(out_).size(), 1u);
    EXPECT_EQ(bodies<InterestPull>(out_)[0].after, "app/a");
}

TEST_F(MeshNodeTest, AsksForWhatASurvivorHasGotOfAnOriginThatCameBackToItAlone) {
    establish();
    lose_third();
    feed(from_peer(Fill{.origin = OriginId{3}, .last = true}, tag_));
    out_.clear();
    feed(from_peer(Wake{OriginId{3}, RecordNo{5}}, tag_));
    EXPECT_TRUE(bodies<Wake>(out_).empty()) << "it has no more than we have";
    feed(from_peer(Wake{OriginId{3}, RecordNo{9}}, tag_));
    ASSERT_EQ(bodies<Wake>(out_).size(), 1u);
    EXPECT_EQ(bodies<Wake>(out_)[0].delivered, RecordNo{5});
}

TEST_F(MeshNodeTest, RemembersASubscriptionOnTheDataPortUntilItsSession) {
    fill_subscribers(Limits{}.remembered_origins - 1);
    feed(SubscriberSeen{OriginId{2}});
    establish();
    publish("app/news");
    EXPECT_EQ(all_of<SendData>(out_).size(), 1u);
}

TEST_F(MeshNodeTest, BeyondTheLimitOfRememberedSubscriptionsTheFirstFrameWaits) {
    fill_subscribers(Limits{}.remembered_origins);
    feed(SubscriberSeen{OriginId{2}});
    establish();
    publish("app/news");
    EXPECT_TRUE(all_of<SendData>(out_).empty());
    now_ += 500ms;
    node_.settle(now_, out_);
    EXPECT_EQ(all_of<SendData>(out_).size(), 1u);
}

TEST_F(MeshNodeTest, FindsAPeerReplacedThoughAThirdOneHoldsTheNewcomersName) {
    establish();  // holds the name
    Introduction namesake = peer();
    namesake.endpoints = {"c:1", "c:2", "c:3"};
    const auto from = [](std::uint64_t oid, ControlBody body, std::uint64_t tag) {
        return Control{OriginId{oid}, OriginId{1}, SessionTag{tag}, std::move(body)};
    };
    feed(from(3, Hello{namesake, SessionTag{5}, {std::nullopt, RecordNo{5}, {}, {}}, {}}, 0));
    const ConnectionId connection = all_of<OpenConnection>(out_).back().connection;
    feed(ConnectionUp{connection});
    feed(from(3, Heartbeat{}, bodies<Welcome>(out_).back().tag.value));
    ASSERT_TRUE(node_.membership().find(OriginId{3})->in_session()) << "it is established";
    feed(ConnectionDown{connection});
    namesake.ready = false;
    feed(from(4, Hello{namesake, SessionTag{6}, {}, {}}, 0));
    EXPECT_EQ(node_.membership().find(OriginId{3})->state, PeerState::kDead);
    EXPECT_EQ(node_.membership().find(OriginId{4}), nullptr) << "the name is held";
}

TEST_F(MeshNodeTest, AsksForWhatSurvivorsHaveOfAPeerThatDiesWhileItBeginsAnew) {
    establish();
    lose_third(true);
}

TEST_F(MeshNodeTest, TellsASurvivorWhatTheDeadHadToldToBeGone) {
    establish();
    feed(from_peer(InterestDelta{InterestVersion{1}, {{true, "app/a"}}, InterestVersion{2}}, tag_));
    lose_third();
    feed(from_peer(Fill{.origin = OriginId{3}, .records = {}, .last = true, .gone = {{{"app/a", 2}, {"app/b", 1}}, 4}},
                   tag_));
    std::vector<std::uint64_t> missing;
    for (const ToPort& to : all_of<ToPort>(out_)) {
        if (const Gap* gap = std::get_if<Gap>(&to.message)) {
            missing.push_back(gap->missing);
        }
    }
    EXPECT_EQ(missing, std::vector<std::uint64_t>{4}) << "nobody subscribes to the two channels here";
    out_.clear();
    feed(from_peer(Wake{OriginId{3}, RecordNo{4}}, tag_));
    ASSERT_EQ(bodies<Fill>(out_).size(), 1u);
    EXPECT_EQ(bodies<Fill>(out_)[0].gone, (Gone{{{"app/a", 2}}, 4}))
        << "the asker has no interest in the other channel";
    out_.clear();
    feed(from_peer(Wake{OriginId{3}, RecordNo{5}}, tag_));
    ASSERT_EQ(bodies<Fill>(out_).size(), 1u);
    EXPECT_TRUE(bodies<Fill>(out_)[0].gone.empty()) << "the asker has been told, as it had come so far";
    feed(from_peer(Wake{OriginId{3}, RecordNo{9}}, tag_));
    feed(from_peer(Fill{.origin = OriginId{3}, .records = {}, .last = true, .gone = {{{"app/a", 3}}, 0}}, tag_));
    out_.clear();
    feed(from_peer(Wake{OriginId{3}, RecordNo{4}}, tag_));
    ASSERT_EQ(bodies<Fill>(out_).size(), 1u);
    EXPECT_EQ(bodies<Fill>(out_)[0].gone, (Gone{{{"app/a", 5}}, 4})) << "of two losses";
}

TEST_F(MeshNodeTest, TellsOfAllLateRecordsOfOneAnswerAtOnce) {
    establish();
    feed(PortInput{ShardIndex{0}, Subscribe{"app/a", 1}});
    lose_third();
    const auto record = [](std::uint64_t n) {
        return std::make_shared<const Record>(Record{RecordNo{n}, {"app/a"}, share(EventBody("e", "x")), {}});
    };
    feed(from_peer(Fill{.origin = OriginId{3}, .records = {record(9)}}, tag_));
    feed(ConnectionDown{connection_});
    feed(EndpointChecked{connection_, EndpointState::kRefused});
    for (int i = 0; i < 50; ++i) {
        now_ += 100ms;
        node_.settle(now_, out_);  // the ninth is delivered without what the peer did not come to say
    }
    out_.clear();
    establish();
    feed(from_peer(Fill{.origin = OriginId{3}, .records = {record(6), record(7), record(8)}, .last = true}, tag_));
    std::vector<std::uint64_t> missing;
    for (const ToPort& to : all_of<ToPort>(out_)) {
        if (const Gap* gap = std::get_if<Gap>(&to.message)) {
            missing.push_back(gap->missing);
        }
    }
    EXPECT_EQ(missing, std::vector<std::uint64_t>{3}) << "after the ninth they would be out of order";
    EXPECT_EQ(all_of<Notice>(out_).size(), 1u);
}

TEST(MeshNodeJoining, AsksForNoTurnsInThePastWhenItLeavesBeforeItHasJoined) {
    MeshNode node(options(1, "a", {"seed:1"}), 1);
    Effects out;
    node.start(kStart, out);
    node.step(kStart + 100ms, LeaveRequest{5s}, out);
    node.settle(kStart + 100ms, out);
    EXPECT_EQ(all_of<Left>(out).size(), 1u) << "there is nobody to tell";
    node.settle(kStart + 3s, out);
    EXPECT_GT(node.next_deadline(), kStart + 3s);
}

TEST(MeshNodeJoining, WaitsForItsSeedAndServesAloneWhenItRefuses) {
    MeshNode node(options(1, "a", {"seed:1"}), 1);
    Effects out;
    node.start(kStart, out);
    EXPECT_FALSE(node.ready());
    node.step(kStart + 1ms, EndpointChecked{all_of<OpenConnection>(out)[0].connection, EndpointState::kRefused}, out);
    node.settle(kStart + 1ms, out);
    EXPECT_TRUE(node.ready());
    EXPECT_EQ(all_of<CloseConnection>(out).size(), 1u);
}

TEST(MeshNodeJoining, ServesWhenNobodyRefusesItsNameAnyMore) {
    MeshNode node(options(1, "a", {"seed:1"}), 1);
    Effects out;
    node.start(kStart, out);
    node.step(kStart + 1ms, ConnectionUp{all_of<OpenConnection>(out)[0].connection}, out);
    node.step(
        kStart + 2ms,
        Control{OriginId{7}, OriginId{1}, {}, Refuse{RefusalReason::kNameTaken, "held", bodies<Knock>(out)[0].nonce}},
        out);
    node.settle(kStart + 3s, out);
    EXPECT_FALSE(node.ready()) << "its seed has had its time, but its name was refused";
    node.settle(kStart + 6s, out);
    node.settle(kStart + 6s, out);
    EXPECT_TRUE(node.ready());
}

TEST(MeshNodeJoining, KnocksAgainUntilTheSeedHasHadItsTime) {
    MeshNode node(options(1, "a", {"seed:1"}), 1);
    Effects out;
    node.start(kStart, out);
    node.step(kStart + 1ms, ConnectionUp{all_of<OpenConnection>(out)[0].connection}, out);
    node.settle(kStart + 1ms, out);
    node.settle(kStart + 251ms, out);
    EXPECT_EQ(bodies<Knock>(out).size(), 2u);
    node.settle(kStart + 2s, out);
    EXPECT_TRUE(node.ready());
}

TEST_F(MeshNodeTest, TellsEachMemberOnceATurnWhoHasCome) {
    establish();
    for (const std::uint64_t oid : {std::uint64_t{3}, std::uint64_t{4}}) {
        Introduction newcomer = peer();
        newcomer.name = "n" + std::to_string(oid);
        newcomer.endpoints = {newcomer.name + ":1", newcomer.name + ":2", newcomer.name + ":3"};
        node_.step(now_, Control{OriginId{oid}, OriginId{1}, {}, Hello{newcomer, SessionTag{5}, {}, {}}}, out_);
        node_.step(now_, ConnectionUp{all_of<OpenConnection>(out_).back().connection}, out_);
        const SessionTag tag = bodies<Welcome>(out_).back().tag;
        node_.step(now_, Control{OriginId{oid}, OriginId{1}, tag, Heartbeat{}}, out_);
    }
    node_.settle(now_, out_);
    const auto told = bodies<Members>(out_);
    ASSERT_EQ(told.size(), 3u);  // b of both, and those two of each other
    EXPECT_EQ(told[0].members.size(), 2u);
    EXPECT_EQ(told[1].members.size(), 1u);
    EXPECT_EQ(told[2].members.size(), 1u);
}

TEST_F(MeshNodeTest, SaysWithEachHeartbeatWhoIsInSession) {
    EXPECT_EQ(node_.membership().digest(), 1u);
    establish();
    EXPECT_EQ(node_.membership().digest(), 1u ^ 2u);
    feed(from_peer(Hello{peer(), SessionTag{78}, {}, {}}, 0));  // it begins anew
    EXPECT_EQ(node_.membership().digest(), 1u);
    feed(from_peer(Heartbeat{}, bodies<Welcome>(out_).back().tag.value));
    EXPECT_EQ(node_.membership().digest(), 1u ^ 2u);
}

TEST_F(MeshNodeTest, LooksOnlyAtLinksThatSomethingHasHappenedTo) {
    establish();
    feed(SubscriberSeen{OriginId{2}});
    const Instant before = node_.next_deadline();
    out_.clear();
    for (int i = 0; i < 3; ++i) {
        now_ += 1ms;
        publish("app/other");
    }
    EXPECT_TRUE(all_of<SendData>(out_).empty());
    EXPECT_EQ(node_.next_deadline(), before) << "nothing was put off or brought forward";
    now_ = before;
    node_.settle(now_, out_);
    const auto heartbeats = bodies<Heartbeat>(out_);
    ASSERT_EQ(heartbeats.size(), 1u);
    EXPECT_EQ(heartbeats[0].upto, RecordNo{3}) << "what was jumped over is considered";
}

TEST_F(MeshNodeTest, ADeadMemberIsShownUntilItsNameIsBackOrItsTimeIsOver) {
    establish();
    const ConnectionId connection = *node_.membership().find(OriginId{2})->connection;
    feed(ConnectionDown{connection});
    feed(EndpointChecked{connection, EndpointState::kRefused});
    ASSERT_EQ(node_.status(now_).members.size(), 1u);
    EXPECT_EQ(node_.status(now_).members[0].state, "dead");
    const auto shown = [this](Duration later) { return node_.status(now_ + later).members.size(); };
    EXPECT_EQ(shown(Timing{}.dead_shown - 1s), 1u);
    EXPECT_EQ(shown(Timing{}.dead_shown), 0u);

    Introduction again = peer();
    again.endpoints.control = "b:9";  // another process of that name, at another place
    out_.clear();
    feed(Control{OriginId{4}, OriginId{1}, {}, Hello{again, SessionTag{5}, {std::nullopt, RecordNo{5}, {}, {}}, {}}});
    feed(ConnectionUp{all_of<OpenConnection>(out_).back().connection});
    feed(Control{OriginId{4}, OriginId{1}, bodies<Welcome>(out_).back().tag, Heartbeat{}});
    ASSERT_EQ(node_.status(now_).members.size(), 1u);
    EXPECT_EQ(node_.status(now_).members[0].oid, OriginId{4});
    EXPECT_EQ(node_.status(now_).members[0].state, "alive");

    now_ += 10ms;
    const ConnectionId second = *node_.membership().find(OriginId{4})->connection;
    feed(ConnectionDown{second});
    feed(EndpointChecked{second, EndpointState::kRefused});
    ASSERT_EQ(node_.status(now_).members.size(), 1u) << "not the two dead processes of one name";
    EXPECT_EQ(node_.status(now_).members[0].oid, OriginId{4});
    EXPECT_EQ(node_.status(now_).members[0].state, "dead");

    out_.clear();
    feed(PortInput{ShardIndex{0}, Trace{9, "app/news", 1s}});
    const auto answers = all_of<ToPort>(out_);
    ASSERT_EQ(answers.size(), 1u);
    const TraceResult& result = std::get<TraceResult>(answers[0].message);
    ASSERT_EQ(result.lines.size(), 2u) << "a trace names whom the status shows";
    EXPECT_EQ(result.lines[1].oid, OriginId{4});
}

TEST_F(MeshNodeTest, SendsToALinkWhatItsInterestHasComeFor) {
    establish();
    feed(SubscriberSeen{OriginId{2}});
    publish("app/more");
    feed(from_peer(InterestDelta{InterestVersion{1}, {{true, "app/more"}}, InterestVersion{2}}, tag_));
    out_.clear();
    publish("app/more");
    const auto sent = all_of<SendData>(out_);
    ASSERT_EQ(sent.size(), 1u);
    const Frame& frame = *std::get<FramePtr>(sent[0].message.body);
    ASSERT_EQ(frame.records.size(), 1u) << "what came before the interest was jumped over";
    EXPECT_EQ(frame.records[0]->n, RecordNo{2});
}

}  // namespace
}  // namespace tulle::mesh::mesh_node_test
