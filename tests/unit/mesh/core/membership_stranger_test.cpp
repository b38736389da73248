#include <algorithm>
#include <set>

#include "tests/unit/mesh/core/played_peer.hpp"

/// What a stranger, or a peer that names others, can make a node do.
namespace tulle::mesh::membership_stranger_test {
namespace {

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

Introduction stranger(const std::string& name, const std::string& endpoint) {
    return {"test", name, "1", {endpoint, endpoint, endpoint}, kOldestProtocolVersion, kProtocolVersion, true};
}

MemberInfo named(std::uint64_t oid, const std::string& endpoint) {
    return {OriginId{oid}, "x" + std::to_string(oid), {endpoint, endpoint, endpoint}};
}

class StrangerTest : public PlayedPeerTest {
protected:
    void knock(std::uint64_t oid, const std::string& endpoint) {
        feed(Control{OriginId{oid}, {}, {}, Knock{stranger("x" + std::to_string(oid), endpoint), {}, oid}});
    }
    [[nodiscard]] std::size_t open() const {
        return all_of<OpenConnection>(out_).size() - all_of<CloseConnection>(out_).size();
    }
};

TEST_F(StrangerTest, KnocksOpenNoMoreThanTheLinksOfABoundedNumberOfHandshakes) {
    for (std::uint64_t i = 0; i < 3000; ++i) {
        knock(1000 + i, "h" + std::to_string(i) + ":1");
    }
    const std::size_t most = Limits{}.handshakes - Limits{}.handshakes_reserved;
    EXPECT_EQ(open(), most);
    EXPECT_LE(node_.membership().peers().size(), most + 1);
    knock(8000, "b:1");
    EXPECT_EQ(open(), most + 1) << "there is a place left for who comes where a member is or was";
    wait(2100ms);
    EXPECT_EQ(open(), 0u) << "who does not answer is forgotten";
    out_.clear();
    knock(9000, "late:1");
    EXPECT_EQ(open(), 1u);
}

TEST_F(StrangerTest, KnocksThatNameOneEndpointDialItTwiceAtMost) {
    for (std::uint64_t i = 0; i < 400; ++i) {
        knock(1000 + i, "victim:1");
    }
    EXPECT_EQ(open(), Limits{}.handshakes_at_endpoint);
}

TEST_F(StrangerTest, NamesMakeNoMoreThanAFewConnectionsAtATimeAndRunOut) {
    for (std::uint64_t batch = 0; batch < 41; ++batch) {
        Members members;
        for (std::uint64_t i = 0; i < 256; ++i) {
            const std::uint64_t n = batch * 256 + i;
            members.members.push_back(named(1000 + n, "third:" + std::to_string(n)));
        }
        control(std::move(members));
    }
    EXPECT_EQ(open(), Limits{}.handshakes_named);
    std::size_t dialled = all_of<OpenConnection>(out_).size();
    for (int i = 0; i < 100; ++i) {
        wait(250ms);
        control(Heartbeat{.sent_at_us = now_.time_since_epoch() / 1us, .echo_us = now_.time_since_epoch() / 1us});
        EXPECT_LE(open(), Limits{}.handshakes_named);
    }
    dialled = all_of<OpenConnection>(out_).size();
    EXPECT_LE(dialled, Limits{}.names_per_peer);
    EXPECT_GT(node_.membership().counters().names_ignored, 10'000u);
}

TEST_F(StrangerTest, OneThirdPartyIsDialledTwiceAtATime) {
    Members members;
    for (std::uint64_t i = 0; i < 200; ++i) {
        members.members.push_back(named(1000 + i, "third:1"));
    }
    control(std::move(members));
    EXPECT_EQ(open(), Limits{}.handshakes_at_endpoint);
}

TEST_F(StrangerTest, AStrangerOfAnotherClusterLearnsNothing) {
    Introduction who = stranger("x", "x:1");
    who.cluster = "wrong";
    for (std::uint64_t i = 0; i < 100; ++i) {
        feed(Control{OriginId{50 + i}, {}, {}, Knock{who, {}, 7}});
    }
    const auto opened = all_of<OpenConnection>(out_);
    ASSERT_EQ(opened.size(), 1u) << "one answer at a time";
    feed(ConnectionUp{opened[0].connection});
    ASSERT_EQ(controls<Refuse>(out_).size(), 1u);
    EXPECT_EQ(controls<Refuse>(out_)[0].text.find("test"), std::string::npos);
    EXPECT_EQ(controls<Refuse>(out_)[0].echo, 7u);
    EXPECT_TRUE(controls<Hello>(out_).empty());
    std::size_t notices = 0;
    for (int i = 0; i < 1000; ++i) {
        wait(50ms);
        feed(Control{OriginId{1}, {}, {}, Heartbeat{}});
        feed(Control{OriginId{50}, {}, {}, Knock{who, {}, 7}});
    }
    for (const Notice& notice : all_of<Notice>(out_)) {
        notices += notice.text.find("refused a newcomer") != std::string::npos ? 1u : 0u;
    }
    EXPECT_EQ(notices, 1u) << "for 50 s";
    EXPECT_EQ(node_.status(now_).refusals.size(), 1u);
    EXPECT_TRUE(node_.status(now_).refusals[0].by_us);
}

TEST_F(StrangerTest, OtherClustersLeaveLinksToRefuseOurOwnNewcomers) {
    Introduction who = stranger("x", "");
    who.cluster = "other";
    for (std::uint64_t i = 0; i < 40; ++i) {
        who.endpoints.control = "h" + std::to_string(i) + ":1";
        feed(Control{OriginId{1000 + i}, {}, {}, Knock{who, {}, i}});
    }
    EXPECT_EQ(open(), Limits{}.refusals_foreign);
    Introduction twin = stranger("a", "twin:1");
    twin.ready = false;
    feed(Control{OriginId{7000}, {}, {}, Knock{twin, {}, 1}});
    EXPECT_EQ(all_of<OpenConnection>(out_).back().endpoint, "twin:1");
}

TEST_F(StrangerTest, TagsCountUpwardsAndCannotBeGuessed) {
    std::vector<std::uint64_t> tags;
    std::set<std::uint64_t> lower;
    for (std::uint64_t i = 0; i < 20; ++i) {
        out_.clear();
        knock(1000 + i, "h" + std::to_string(i) + ":1");
        feed(ConnectionUp{all_of<OpenConnection>(out_).back().connection});
        const auto hellos = controls<Hello>(out_);
        ASSERT_FALSE(hellos.empty());
        tags.push_back(hellos.back().tag.value);
        lower.insert(tags.back() & 0xffff'ffff);
    }
    EXPECT_TRUE(std::is_sorted(tags.begin(), tags.end()));
    EXPECT_EQ(lower.size(), tags.size());
}

TEST_F(StrangerTest, AWelcomeThatAnswersNothingMakesNoSession) {
    const ConnectionId connection = *node_.membership().find(OriginId{2})->connection;
    feed(ConnectionDown{connection});
    feed(EndpointChecked{connection, EndpointState::kRefused});
    ASSERT_EQ(node_.membership().find(OriginId{2})->state, PeerState::kDead);
    const std::uint64_t stale = node_.membership().counters().stale;
    const Welcome forged{stranger("b", "b:1"), SessionTag{}, SessionTag{1000}, {std::nullopt, RecordNo{}, {}, {}}};
    feed(Control{OriginId{2}, OriginId{1}, {}, forged});
    EXPECT_EQ(node_.membership().find(OriginId{2})->state, PeerState::kDead);
    EXPECT_EQ(node_.membership().counters().stale, stale + 1);
}

TEST(Stranger, WhoIsNamedByAWelcomeTakesNotThePlaceOfWhoeverSentIt) {
    Limits limits;
    limits.names_per_peer = 2 * kMaxMembers;
    MeshNode node({.oid = OriginId{1},
                   .cluster = "test",
                   .name = "a",
                   .version = "1",
                   .endpoints = {"a:1", "a:2", "a:3"},
                   .seeds = {},
                   .timing = {},
                   .limits = limits},
                  1);
    Effects out;
    node.start(kStart, out);
    const auto say = [&](std::uint64_t from, SessionTag tag, ControlBody body) {
        node.step(kStart, Control{OriginId{from}, OriginId{1}, tag, std::move(body)}, out);
    };
    const SessionTerms terms{std::nullopt, RecordNo{}, {}, {}};
    say(2, {}, Hello{stranger("b", "b:1"), SessionTag{77}, terms, {}});
    node.step(kStart, ConnectionUp{all_of<OpenConnection>(out).back().connection}, out);
    const SessionTag tag = controls<Welcome>(out).back().tag;
    Members all{{named(5000, "victim:1")}};  // the last one in order: it has to make room
    for (std::uint64_t oid = 3; all.members.size() < kMaxMembers - 1; ++oid) {
        all.members.push_back(named(oid, "h" + std::to_string(oid) + ":1"));
    }
    say(2, tag, all);
    ASSERT_EQ(node.membership().peers().size(), kMaxMembers);
    const auto dialled = all_of<OpenConnection>(out);
    const auto there = std::find_if(dialled.begin(), dialled.end(),
                                    [](const OpenConnection& open) { return open.endpoint == "victim:1"; });
    ASSERT_NE(there, dialled.end());
    node.step(kStart, ConnectionUp{there->connection}, out);
    Welcome welcome{stranger("x5000", "victim:1"), controls<Hello>(out).back().tag, SessionTag{78}, terms};
    welcome.terms.members = {named(6000, "late:1")};
    say(5000, {}, welcome);
    ASSERT_NE(node.membership().find(OriginId{5000}), nullptr);
    EXPECT_EQ(node.membership().find(OriginId{5000})->state, PeerState::kAlive);
    EXPECT_NE(node.membership().find(OriginId{6000}), nullptr) << "another one made room";
    EXPECT_EQ(node.membership().peers().size(), kMaxMembers);
}

NodeOptions lone(std::vector<std::string> seeds) {
    return {.oid = OriginId{1},
            .cluster = "test",
            .name = "a",
            .version = "1",
            .endpoints = {"a:1", "a:2", "a:3"},
            .seeds = std::move(seeds),
            .timing = {},
            .limits = {}};
}

/// A node that is bound to an attempt of peer 5, and whose own Hello for it is under way.
struct Crossing {
    explicit Crossing(std::uint64_t oid)
        : me{oid},
          node({.oid = me,
                .cluster = "test",
                .name = "a",
                .version = "1",
                .endpoints = {"a:1", "a:2", "a:3"},
                .seeds = {},
                .timing = {},
                .limits = {}},
               1) {
        node.start(now, out);
        hello(77);
        node.step(now, ConnectionUp{all_of<OpenConnection>(out).back().connection}, out);
        for (; controls<Hello>(out).empty(); now += 10ms) {
            node.settle(now, out);
        }
        sent = controls<Hello>(out).back().tag;
        out.clear();
    }
    void say(ControlBody body) {
        node.step(now, Control{OriginId{5}, me, {}, std::move(body)}, out);
        node.settle(now, out);
    }
    void hello(std::uint64_t tag) {
        say(Hello{stranger("b", "b:1"), SessionTag{tag}, {std::nullopt, RecordNo{}, {}, {}}, {}});
    }
    void welcome(SessionTag echo, std::uint64_t tag) {
        say(Welcome{stranger("b", "b:1"), echo, SessionTag{tag}, {std::nullopt, RecordNo{}, {}, {}}});
    }

    OriginId me;
    Instant now = kStart;
    Effects out;
    MeshNode node;
    SessionTag sent;
};

TEST(Crossing, TheHigherIdKeepsItsAttemptWhenAnotherHelloCrossesItsOwn) {
    Crossing high(9);
    high.hello(78);
    EXPECT_TRUE(controls<Welcome>(high.out).empty());
    high.welcome(high.sent, 79);  // the other side has begun anew because of our Hello
    ASSERT_EQ(controls<Hello>(high.out).size(), 1u);
    high.welcome(controls<Hello>(high.out)[0].tag, 80);
    EXPECT_EQ(high.node.membership().find(OriginId{5})->state, PeerState::kAlive);
}

TEST(Crossing, TheLowerIdBeginsAnew) {
    Crossing low(1);
    low.hello(78);
    ASSERT_EQ(controls<Welcome>(low.out).size(), 1u);
    EXPECT_EQ(controls<Welcome>(low.out)[0].echo, SessionTag{78});
    EXPECT_NE(controls<Welcome>(low.out)[0].tag, low.sent);
}

TEST(Refused, ByEveryPeerThatAnswersANodeDoesNotServeUntilNobodyRefusesIt) {
    MeshNode node(lone({"b:1", "c:1"}), 1);
    Effects out;
    Instant now = kStart;
    node.start(now, out);
    const ConnectionId connection = all_of<OpenConnection>(out)[0].connection;
    node.step(now, EndpointChecked{all_of<OpenConnection>(out)[1].connection, EndpointState::kRefused},
              out);  // nobody is at c
    node.step(now, ConnectionUp{connection}, out);
    node.settle(now, out);
    const std::uint64_t nonce = controls<Knock>(out).back().nonce;
    ASSERT_NE(nonce, 0u);
    node.step(now,
              Control{OriginId{7}, OriginId{1}, {}, Refuse{RefusalReason::kProtocol, "no version in common", nonce}},
              out);
    for (int i = 0; i < 100; ++i) {
        now += 100ms;
        node.settle(now, out);
    }
    EXPECT_FALSE(node.ready()) << "10 s later";
    const NodeStatus status = node.status(now);
    EXPECT_TRUE(status.refused);
    EXPECT_EQ(status.configured, 2u);
    EXPECT_EQ(status.met, 0u);
    ASSERT_EQ(status.refusals.size(), 1u);
    EXPECT_EQ(status.refusals[0].reason, "protocol");
    EXPECT_EQ(status.refusals[0].endpoint, "b:1");
    for (int i = 0; i < 60; ++i) {
        now += 100ms;
        node.settle(now, out);
    }
    EXPECT_TRUE(node.ready()) << "who refused is no longer there";
}

TEST(Refused, ALoneNodeThatServesDoesSoNoMoreWhenItsPeerComesAndRefuses) {
    MeshNode node(lone({"b:1"}), 1);
    Effects out;
    node.start(kStart, out);
    const ConnectionId connection = all_of<OpenConnection>(out)[0].connection;
    node.step(kStart, ConnectionUp{connection}, out);
    node.settle(kStart, out);
    node.settle(kStart + 2500ms, out);
    ASSERT_TRUE(node.ready());
    const std::uint64_t nonce = controls<Knock>(out).back().nonce;
    node.step(kStart + 3s, Control{OriginId{7}, OriginId{1}, {}, Refuse{RefusalReason::kCluster, "another", nonce}},
              out);
    node.settle(kStart + 3s, out);
    EXPECT_FALSE(node.ready());
}

TEST(Refused, ByOneAndTakenInByAnotherWhoDiesANodeServesOn) {
    MeshNode node(lone({"b:1", "foreign:1"}), 1);
    Effects out;
    Instant now = kStart;
    node.start(now, out);
    const auto dialled = all_of<OpenConnection>(out);
    node.step(now, ConnectionUp{dialled[1].connection}, out);
    const std::uint64_t nonce = controls<Knock>(out).back().nonce;
    node.step(now, Control{OriginId{7}, OriginId{1}, {}, Refuse{RefusalReason::kCluster, "another", nonce}}, out);
    node.step(now,
              Control{OriginId{5},
                      OriginId{1},
                      {},
                      Hello{stranger("b", "b:1"), SessionTag{77}, {std::nullopt, RecordNo{}, {}, {}}, "b:1"}},
              out);
    const ConnectionId connection = all_of<OpenConnection>(out).back().connection;
    node.step(now, ConnectionUp{connection}, out);
    const SessionTag tag = controls<Welcome>(out).back().tag;
    for (int i = 0; i < 300; ++i) {
        node.step(now, Control{OriginId{5}, OriginId{1}, tag, Heartbeat{.echo_us = now.time_since_epoch() / 1us}}, out);
        node.settle(now, out);
        now += 10ms;
    }
    ASSERT_TRUE(node.ready());
    node.step(now, ConnectionDown{connection}, out);
    node.step(now, EndpointChecked{connection, EndpointState::kRefused}, out);
    node.settle(now, out);
    ASSERT_EQ(node.membership().find(OriginId{5})->state, PeerState::kDead);
    EXPECT_TRUE(node.ready()) << "though the foreign node has refused it just now";
}

TEST(Refused, ByAStrangerMeansNothing) {
    MeshNode node(lone({"b:1"}), 1);
    Effects out;
    node.start(kStart, out);
    node.step(kStart, ConnectionUp{all_of<OpenConnection>(out)[0].connection}, out);
    node.settle(kStart, out);
    for (Duration at = 0ms; at < 12s; at += 250ms) {
        node.step(kStart + at, Control{OriginId{7}, OriginId{1}, {}, Refuse{RefusalReason::kNameTaken, "held"}}, out);
        node.step(kStart + at, Control{OriginId{7}, OriginId{1}, {}, Refuse{RefusalReason::kCluster, "x", 99}}, out);
        node.settle(kStart + at, out);
    }
    EXPECT_TRUE(node.ready());
    EXPECT_TRUE(all_of<Fatal>(out).empty());
}

}  // namespace
}  // namespace tulle::mesh::membership_stranger_test
