#include <gtest/gtest.h>

#include <algorithm>

#include "mesh/core/session/membership.hpp"

/// Each part of Membership by itself.
namespace tulle::mesh::membership_parts_test {
namespace {

constexpr Instant kNow{100s};

template <class T>
std::vector<T> of_kind(const Effects& effects) {
    std::vector<T> found;
    for (const Effect& effect : effects) {
        if (const T* what = std::get_if<T>(&effect)) {
            found.push_back(*what);
        }
    }
    return found;
}

class MembershipParts : public testing::Test {
protected:
    /// A peer in session, with a connection that is up.
    Peer& meet(std::uint64_t id) {
        Peer& peer = table_.peers()[OriginId{id}];
        peer.oid = OriginId{id};
        peer.name = "n" + std::to_string(id);
        peer.endpoints.control = peer.name + ":1";
        peer.spoke_to_us = true;
        peer.was_alive = true;
        peer.bound = true;
        peer.local_tag = SessionTag{id};
        peer.remote_tag = SessionTag{100 + id};
        peer.connection = table_.fresh_connection();
        peer.connection_up = true;
        peer.last_heard = kNow;
        peer.session_since = kNow;
        Liveness::restart_control(kNow, peer);
        table_.begin_session(peer);
        return peer;
    }
    static Introduction introduction(const std::string& name) {
        return {"test",           name, "1", {name + ":1", name + ":2", name + ":3"}, kOldestProtocolVersion,
                kProtocolVersion, true};
    }

    NodeOptions options_{.oid = OriginId{1},
                         .cluster = "test",
                         .name = "n1",
                         .version = "1",
                         .endpoints = {"n1:1", "n1:2", "n1:3"},
                         .seeds = {"b:1", "n1:1"},
                         .timing = {},
                         .limits = {}};
    Prng prng_{1};
    PeerTable table_{options_, prng_};
    Seeds seeds_{table_};
    Refusals refusals_{table_};
    PeerSender sender_{table_};
    Dialler dialler_{table_, seeds_};
    OwnControl own_{table_};
    Liveness liveness_{table_, dialler_, own_, sender_};
    Handshake handshake_{
        table_,   {.last = [] { return RecordNo{}; }, .terms = [](OriginId) { return SessionTerms{}; }},
        seeds_,   refusals_,
        dialler_, own_,
        liveness_};
    Effects out_;
};

TEST_F(MembershipParts, TheDigestIsOfAllInSession) {
    const std::uint64_t alone = table_.digest();
    Peer& b = meet(2);
    EXPECT_NE(table_.digest(), alone);
    table_.begin_session(b);
    EXPECT_EQ(table_.digest(), alone ^ 2) << "a session that stands already changes nothing";
    table_.end_session(b, PeerState::kDead);
    EXPECT_EQ(table_.digest(), alone);
    const std::vector<MembershipEvent> events = table_.take_events();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(std::get<SessionDown>(events[0]).now, PeerState::kDead);
    table_.end_session(b, PeerState::kDead);
    EXPECT_TRUE(table_.take_events().empty()) << "no session, no end";
}

TEST_F(MembershipParts, TheNewestCommonProtocolIsThatOfTheOldestInSession) {
    EXPECT_EQ(table_.common_protocol(), kProtocolVersion);
    meet(2).protocol = kProtocolVersion;
    EXPECT_EQ(table_.common_protocol(), kProtocolVersion);
    meet(3).protocol = kOldestProtocolVersion;
    EXPECT_EQ(table_.common_protocol(), kOldestProtocolVersion);
}

TEST_F(MembershipParts, WhoDoesNotHearUsIsSentToThroughTheWitnessThatItNames) {
    meet(2);
    meet(3);
    sender_.send(OriginId{2}, Ping{1}, out_);
    EXPECT_EQ(of_kind<SendControl>(out_).back().message.dst, OriginId{2});
    EXPECT_TRUE(sender_.set_route(OriginId{2}, OriginId{3}));
    EXPECT_FALSE(sender_.set_route(OriginId{2}, OriginId{3})) << "no news";
    EXPECT_FALSE(sender_.set_route(OriginId{2}, OriginId{2})) << "nobody is his own witness";
    sender_.send(OriginId{2}, Ping{2}, out_);
    const Control relayed = of_kind<SendControl>(out_).back().message;
    EXPECT_EQ(relayed.dst, OriginId{3});
    EXPECT_EQ(std::get<Relay>(relayed.body).control->dst, OriginId{2});
    out_.clear();
    sender_.send_every_way(OriginId{2}, Heartbeat{}, out_);
    EXPECT_EQ(out_.size(), 2u);
    sender_.send(OriginId{9}, Ping{3}, out_);
    EXPECT_EQ(out_.size(), 2u) << "there is no session with it";
}

TEST_F(MembershipParts, WhatAWitnessPassesOnCountsOnlyInAStandingSession) {
    meet(2);
    EXPECT_TRUE(sender_.in_relayed_session(kNow, OriginId{2}, SessionTag{2}, PeerSender::Way::kControl));
    EXPECT_FALSE(sender_.in_relayed_session(kNow, OriginId{2}, SessionTag{3}, PeerSender::Way::kControl));
    EXPECT_FALSE(sender_.in_relayed_session(kNow, OriginId{9}, SessionTag{2}, PeerSender::Way::kControl));
    EXPECT_EQ(table_.counters().stale, 2u);
}

TEST_F(MembershipParts, EachSeedButOurselvesIsDialledAndKnockedAt) {
    seeds_.start(kNow, out_);
    const std::vector<OpenConnection> opened = of_kind<OpenConnection>(out_);
    ASSERT_EQ(opened.size(), 1u);
    EXPECT_EQ(opened[0].endpoint, "b:1");
    EXPECT_EQ(seeds_.configured(), 1u);
    EXPECT_TRUE(seeds_.on_connection_up(kNow, opened[0].connection, out_));
    const Knock knock = std::get<Knock>(of_kind<SendControl>(out_).back().message.body);
    Seed* asked = seeds_.asked(Hello{.who = introduction("b"), .knocked = "b:1", .echo = knock.nonce});
    ASSERT_NE(asked, nullptr);
    EXPECT_EQ(seeds_.asked(Hello{.who = introduction("b"), .knocked = "b:1", .echo = knock.nonce + 1}), nullptr)
        << "a stranger can guess the endpoint";
    seeds_.seed_answered(*asked, OriginId{2}, out_);
    EXPECT_EQ(of_kind<CloseConnection>(out_).size(), 1u);
    seeds_.on_session(meet(2), out_);
    EXPECT_EQ(seeds_.met(), 1u);
    EXPECT_TRUE(seeds_.is_accepted());
}

TEST_F(MembershipParts, ASeedWhereOurOwnKnockArrivesIsThisNode) {
    seeds_.start(kNow, out_);
    static_cast<void>(seeds_.on_connection_up(kNow, of_kind<OpenConnection>(out_)[0].connection, out_));
    const Knock knock = std::get<Knock>(of_kind<SendControl>(out_).back().message.body);
    seeds_.on_own_knock(kNow, knock, out_);
    EXPECT_EQ(seeds_.configured(), 0u);
}

TEST_F(MembershipParts, ASeedThatNobodyListensAtIsDialledAgainLater) {
    seeds_.start(kNow, out_);
    const ConnectionId connection = of_kind<OpenConnection>(out_)[0].connection;
    EXPECT_TRUE(seeds_.on_endpoint_checked(kNow, {connection, EndpointState::kRefused}, out_));
    EXPECT_FALSE(seeds_.on_connection_down(connection)) << "the connection is closed";
    const Instant next = seeds_.first_deadline(Instant::max());
    EXPECT_GT(next, kNow);
    out_.clear();
    seeds_.tick(next, out_);
    EXPECT_EQ(of_kind<OpenConnection>(out_).size(), 1u);
}

TEST_F(MembershipParts, ARefusalGoesToOneEndpointOnceAtATimeAndIsLoggedOnce) {
    const Refuse refusal{RefusalReason::kProtocol, "no version in common"};
    refusals_.refuse(kNow, OriginId{2}, introduction("b"), 7, refusal, out_);
    refusals_.refuse(kNow, OriginId{3}, introduction("b"), 8, refusal, out_);
    ASSERT_EQ(of_kind<OpenConnection>(out_).size(), 1u);
    EXPECT_EQ(of_kind<Notice>(out_).size(), 1u);
    EXPECT_EQ(table_.counters().refused, 1u);
    EXPECT_TRUE(refusals_.on_connection_up(kNow, of_kind<OpenConnection>(out_)[0].connection, out_));
    EXPECT_EQ(std::get<Refuse>(of_kind<SendControl>(out_).back().message.body).echo, 7u);
    refusals_.tick(kNow + 10s, out_);
    EXPECT_EQ(of_kind<CloseConnection>(out_).size(), 1u);
    refusals_.refuse(kNow + 10s, OriginId{2}, introduction("b"), 9, refusal, out_);
    ASSERT_EQ(refusals_.latest().size(), 1u);
    EXPECT_EQ(refusals_.latest()[0].count, 2u);
    EXPECT_EQ(of_kind<Notice>(out_).size(), 1u);
}

TEST_F(MembershipParts, ANodeWhoseNameIsHeldWaitsAndEndsWhenItIsHeldForLong) {
    const Refuse taken{RefusalReason::kNameTaken, "held"};
    refusals_.on_refused_name(kNow, "b", taken, out_);
    EXPECT_TRUE(refusals_.is_barred());
    EXPECT_TRUE(of_kind<Fatal>(out_).empty());
    refusals_.on_refused_name(kNow + options_.timing.name_patience, "b", taken, out_);
    EXPECT_EQ(of_kind<Fatal>(out_).size(), 1u);
    refusals_.on_session();
    EXPECT_FALSE(refusals_.is_barred());
}

TEST_F(MembershipParts, WhenNobodyIsHeardOnControlTheNodeKnocksAtItself) {
    Peer& b = meet(2);
    own_.listen(kNow, out_);
    EXPECT_TRUE(out_.empty()) << "the peer was heard just now";
    b.control_heard = kNow - options_.timing.control_deaf;
    own_.listen(kNow, out_);
    const std::vector<OpenConnection> opened = of_kind<OpenConnection>(out_);
    ASSERT_EQ(opened.size(), 1u);
    EXPECT_EQ(opened[0].endpoint, "n1:1");
    own_.note_death(kNow + options_.timing.suspicion);
    EXPECT_TRUE(own_.is_deaf());
    EXPECT_TRUE(own_.on_connection(kNow, opened[0].connection, true, out_));
    const Knock knock = std::get<Knock>(of_kind<SendControl>(out_).back().message.body);
    EXPECT_TRUE(own_.is_own_knock(knock));
    own_.heard(out_);
    EXPECT_FALSE(own_.is_deaf());
    EXPECT_FALSE(own_.is_own_knock(knock));
}

TEST_F(MembershipParts, OnlyAFewStrangersAreDialledAtOneEndpoint) {
    for (std::uint64_t id = 10; dialler_.may_dial("x:1", true); ++id) {
        Peer& peer = table_.peers()[OriginId{id}];
        peer.oid = OriginId{id};
        peer.endpoints.control = "x:1";
        peer.spoke_to_us = true;
        dialler_.open_connection(kNow, peer, out_);
    }
    EXPECT_EQ(of_kind<OpenConnection>(out_).size(), options_.limits.handshakes_at_endpoint);
    EXPECT_TRUE(dialler_.may_dial("y:1", true));
    dialler_.give_up(kNow, table_.peers().at(OriginId{10}), out_);
    EXPECT_EQ(table_.find(OriginId{10}), nullptr) << "who never was a member is forgotten";
    EXPECT_TRUE(dialler_.may_dial("x:1", true));
}

TEST_F(MembershipParts, APeerMayNameOnlySoManyNodesInVain) {
    meet(2);
    std::uint32_t named = 0;
    while (dialler_.may_name(kNow, OriginId{2})) {
        ++named;
    }
    EXPECT_EQ(named, options_.limits.names_per_peer);
    EXPECT_EQ(table_.counters().names_ignored, 1u);
    EXPECT_TRUE(dialler_.may_name(kNow + 1s, OriginId{2})) << "one more each second";
    EXPECT_FALSE(dialler_.may_name(kNow, OriginId{9})) << "a stranger names nobody";
}

TEST_F(MembershipParts, ASilentPeerIsSuspectedAndDeadWhenNobodyHearsIt) {
    Peer& b = meet(2);
    Peer& c = meet(3);
    const Instant suspected = kNow + options_.timing.suspicion;
    EXPECT_EQ(*liveness_.next_deadline(b), suspected);
    c.last_heard = suspected;
    liveness_.tick(suspected, b, out_);
    EXPECT_EQ(b.state, PeerState::kSuspect);
    const auto ask = std::get<ProbeAsk>(of_kind<SendControl>(out_).back().message.body);
    EXPECT_EQ(ask.target, OriginId{2});
    liveness_.on_probe_answer(suspected, OriginId{3}, {OriginId{2}, ask.round, Hearing::kNo, 0});
    liveness_.tick(kNow + options_.timing.verdict, b, out_);
    EXPECT_EQ(b.state, PeerState::kDead);
    EXPECT_EQ(table_.counters().deaths, 1u);
    EXPECT_TRUE(b.redial_at.has_value());
}

TEST_F(MembershipParts, ASuspectThatIsHeardAgainIsAlive) {
    Peer& b = meet(2);
    liveness_.tick(kNow + options_.timing.suspicion, b, out_);
    liveness_.heard(kNow + options_.timing.suspicion, b, out_);
    EXPECT_EQ(b.state, PeerState::kAlive);
    EXPECT_EQ(table_.counters().false_suspicions, 1u);
}

TEST_F(MembershipParts, AnAnswerOfAWitnessThatComesInTheNextSilenceDoesNotCount) {
    Peer& b = meet(2);
    Peer& c = meet(3);
    const Instant suspected = kNow + options_.timing.suspicion;
    c.last_heard = suspected;
    liveness_.tick(suspected, b, out_);
    const auto early = std::get<ProbeAsk>(of_kind<SendControl>(out_).back().message.body);
    liveness_.heard(suspected + 100ms, b, out_);
    const Instant again = suspected + 100ms + options_.timing.suspicion;
    c.last_heard = again;
    liveness_.tick(again, b, out_);
    const auto late = std::get<ProbeAsk>(of_kind<SendControl>(out_).back().message.body);
    liveness_.on_probe_answer(again + 10ms, OriginId{3}, {OriginId{2}, early.round, Hearing::kYes, 0});
    EXPECT_EQ(b.probe.answers_yes, 0u);
    liveness_.on_probe_answer(again + 10ms, OriginId{3}, {OriginId{2}, late.round, Hearing::kYes, 0});
    EXPECT_EQ(b.probe.answers_yes, 1u);
}

TEST_F(MembershipParts, APeerWhoseControlIsSilentIsDialledAgainAndThenDead) {
    Peer& b = meet(2);
    b.last_heard = kNow + options_.timing.control_verdict;  // by data
    liveness_.tick(kNow + options_.timing.control_deaf, b, out_);
    EXPECT_EQ(table_.counters().control_redials, 1u);
    EXPECT_TRUE(b.in_session());
    liveness_.tick(kNow + options_.timing.control_verdict, b, out_);
    EXPECT_EQ(b.state, PeerState::kDead);
    EXPECT_EQ(table_.counters().control_deaths, 1u);
}

TEST_F(MembershipParts, APeerWhoseControlWasDeafBeforeItFellSilentIsDeadAfterTheSameTimeThoughAWitnessHearsIt) {
    Peer& b = meet(2);
    Peer& c = meet(3);
    const Timing& timing = options_.timing;
    const Instant dead = kNow + timing.control_verdict;
    // b says its last word on data, because its own check of control ends now.
    b.last_heard = kNow + timing.control_deaf + 500ms;
    const Instant suspected = b.last_heard + timing.suspicion;
    c.last_heard = suspected;
    liveness_.tick(kNow + timing.control_deaf, b, out_);
    EXPECT_EQ(table_.counters().control_redials, 1u);
    liveness_.tick(suspected, b, out_);
    EXPECT_EQ(b.state, PeerState::kSuspect);
    liveness_.on_probe_answer(suspected, OriginId{3}, {OriginId{2}, b.probe.round, Hearing::kYes, 0});
    EXPECT_EQ(*liveness_.next_deadline(b), std::min(b.probe.next_round, dead));
    liveness_.tick(dead - 1ms, b, out_);
    EXPECT_TRUE(b.in_session());
    EXPECT_EQ(*liveness_.next_deadline(b), dead);
    liveness_.tick(dead, b, out_);
    EXPECT_EQ(b.state, PeerState::kDead);
    EXPECT_EQ(table_.counters().control_deaths, 1u);
}

TEST_F(MembershipParts, APartialPeerThatAWitnessSpeaksForIsDeadWhenItAnswersNothingOnControl) {
    Peer& b = meet(2);
    const Timing& timing = options_.timing;
    const Instant suspected = kNow + timing.suspicion;
    liveness_.tick(suspected, b, out_);
    liveness_.on_probe_answer(suspected, OriginId{3}, {OriginId{2}, b.probe.round, Hearing::kYes, 0});
    liveness_.tick(b.probe.next_round, b, out_);
    ASSERT_EQ(b.state, PeerState::kPartial);
    // b's messages come through the witness, and none of them answers ours.
    const Instant dead = kNow + timing.control_verdict;
    ASSERT_TRUE(sender_.in_relayed_session(dead - 1ms, OriginId{2}, SessionTag{2}, PeerSender::Way::kControl));
    liveness_.on_probe_answer(dead - 1ms, OriginId{3}, {OriginId{2}, b.probe.round, Hearing::kYes, 0});
    liveness_.tick(dead - 1ms, b, out_);
    EXPECT_TRUE(b.in_session());
    liveness_.tick(dead, b, out_);
    EXPECT_EQ(b.state, PeerState::kDead);
}

TEST_F(MembershipParts, APeerWhoseControlFailedJustBeforeItFellSilentIsDeadAfterTheSameTimeThoughAWitnessHearsIt) {
    Peer& b = meet(2);
    const Timing& timing = options_.timing;
    const Instant dead = kNow + timing.control_verdict;
    b.last_heard = kNow + timing.control_deaf - 1ms;
    const Instant suspected = b.last_heard + timing.suspicion;
    liveness_.tick(suspected, b, out_);
    liveness_.on_probe_answer(suspected, OriginId{3}, {OriginId{2}, b.probe.round, Hearing::kYes, 0});
    liveness_.tick(b.probe.next_round, b, out_);
    ASSERT_EQ(b.state, PeerState::kPartial);
    liveness_.on_probe_answer(dead - 1ms, OriginId{3}, {OriginId{2}, b.probe.round, Hearing::kYes, 0});
    liveness_.tick(dead - 1ms, b, out_);
    EXPECT_EQ(b.state, PeerState::kPartial) << "the peer may still speak through the witness";
    EXPECT_EQ(*liveness_.next_deadline(b), dead);
    liveness_.tick(dead, b, out_);
    EXPECT_EQ(b.state, PeerState::kDead);
}

TEST_F(MembershipParts, APeerThatAWitnessSpeaksForStaysWhileControlWorksByThatWay) {
    Peer& b = meet(2);
    const Timing& timing = options_.timing;
    liveness_.tick(kNow + timing.suspicion, b, out_);
    for (Instant now = kNow + timing.suspicion; now < kNow + 10s; now += timing.heartbeat) {
        liveness_.on_probe_answer(now, OriginId{3}, {OriginId{2}, b.probe.round, Hearing::kYes, 0});
        ASSERT_TRUE(sender_.in_relayed_session(now, OriginId{2}, SessionTag{2}, PeerSender::Way::kControl));
        liveness_.on_echo(now, OriginId{2}, now - timing.heartbeat);
        liveness_.tick(now, b, out_);
    }
    EXPECT_EQ(b.state, PeerState::kPartial);
}

TEST_F(MembershipParts, WhatAWitnessPassesOnLateDoesNotPutADeathOff) {
    Peer& b = meet(2);
    const Timing& timing = options_.timing;
    liveness_.tick(kNow + timing.suspicion, b, out_);
    // The way from the witness is whole again and brings a word that b said before it was cut off.
    const Instant late = kNow + timing.verdict;
    ASSERT_TRUE(sender_.in_relayed_session(late, OriginId{2}, SessionTag{2}, PeerSender::Way::kControl));
    liveness_.on_echo(late, OriginId{2}, kNow - 1ms);
    liveness_.tick(kNow + timing.verdict_alone, b, out_);
    EXPECT_EQ(b.state, PeerState::kDead);
}

TEST_F(MembershipParts, ASuspectThatAnswersThroughAWitnessLives) {
    Peer& b = meet(2);
    const Timing& timing = options_.timing;
    liveness_.tick(kNow + timing.suspicion, b, out_);
    const Instant answered = kNow + timing.verdict;
    ASSERT_TRUE(sender_.in_relayed_session(answered, OriginId{2}, SessionTag{2}, PeerSender::Way::kControl));
    const Instant asked = answered - 100ms;
    liveness_.on_echo(answered, OriginId{2}, asked);
    liveness_.tick(asked + timing.verdict_alone - 1ms, b, out_);
    EXPECT_TRUE(b.in_session());
    liveness_.tick(asked + timing.verdict_alone, b, out_);
    EXPECT_EQ(b.state, PeerState::kDead);
}

TEST_F(MembershipParts, APeerThatIsStuckAgainWaitsLongerForItsNextSession) {
    Peer& b = meet(2);
    liveness_.give_up_stuck(kNow, b.oid, "it takes in nothing", out_);
    EXPECT_TRUE(liveness_.was_stuck(b.oid));
    const Duration first = *b.shunned_until - kNow;
    b.state = PeerState::kAlive;
    liveness_.give_up_stuck(kNow, b.oid, "it takes in nothing", out_);
    EXPECT_GT(*b.shunned_until - kNow, first);
    EXPECT_TRUE(Liveness::is_shunned(kNow, b));
}

TEST_F(MembershipParts, AKnockIsAnsweredWithAHelloAndAHelloWithAWelcome) {
    handshake_.on_knock(kNow, OriginId{2}, Knock{introduction("b"), "n1:1", 5}, out_);
    const Peer* b = table_.find(OriginId{2});
    ASSERT_NE(b, nullptr);
    const Hello hello = std::get<Hello>(of_kind<SendControl>(out_).back().message.body);
    EXPECT_EQ(hello.knocked, "n1:1");
    EXPECT_EQ(hello.echo, 5u);
    handshake_.on_hello(kNow, OriginId{2}, Hello{.who = introduction("b"), .tag = SessionTag{77}}, out_);
    const Welcome welcome = std::get<Welcome>(of_kind<SendControl>(out_).back().message.body);
    EXPECT_EQ(welcome.echo, SessionTag{77});
    EXPECT_TRUE(table_.take_events().empty()) << "no session before the other side has spoken in it";
    handshake_.on_welcome(kNow, OriginId{2}, Welcome{introduction("b"), welcome.tag, SessionTag{77}, {}}, out_);
    const std::vector<MembershipEvent> events = table_.take_events();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_TRUE(std::holds_alternative<SessionUp>(events[0]));
}

TEST_F(MembershipParts, AStrangerThatWeHaveAskedNothingCannotRefuseUs) {
    handshake_.on_refuse(kNow, OriginId{2}, Refuse{RefusalReason::kNameTaken, "held", 5}, out_);
    EXPECT_FALSE(refusals_.is_barred());
    EXPECT_EQ(table_.counters().stale, 1u);
}

/// A peer can put anything into a Relay, also what belongs to no session.
class RelayedHandshakes : public testing::Test {
protected:
    NodeOptions options_{.oid = OriginId{1},
                         .cluster = "test",
                         .name = "n1",
                         .version = "1",
                         .endpoints = {"n1:1", "n1:2", "n1:3"},
                         .seeds = {},
                         .timing = {},
                         .limits = {}};
    Prng prng_{1};
    Membership membership_{
        options_, prng_, {.last = [] { return RecordNo{}; }, .terms = [](OriginId) { return SessionTerms{}; }}};
    Effects out_;
};

TEST_F(RelayedHandshakes, AreDroppedAndCounted) {
    const Introduction who{"test", "b", "1", {"b:1", "b:2", "b:3"}, kOldestProtocolVersion, kProtocolVersion, true};
    const auto control = [](SessionTag tag, ControlBody body) {
        return Control{OriginId{2}, OriginId{1}, tag, std::move(body)};
    };
    EXPECT_FALSE(membership_.on_control(kNow, control({}, Hello{.who = who, .tag = SessionTag{77}}), out_));
    const Welcome welcome = std::get<Welcome>(of_kind<SendControl>(out_).back().message.body);
    EXPECT_TRUE(membership_.on_control(kNow, control(welcome.tag, Ping{1}), out_)) << "a session stands";
    const std::uint64_t stale = membership_.counters().stale;
    EXPECT_FALSE(membership_.on_relayed(kNow, control(welcome.tag, Knock{who, "n1:1", 5}), out_));
    EXPECT_FALSE(membership_.on_relayed(kNow, control(welcome.tag, Hello{.who = who}), out_));
    EXPECT_FALSE(membership_.on_relayed(kNow, control(welcome.tag, Welcome{.who = who}), out_));
    EXPECT_FALSE(membership_.on_relayed(kNow, control(welcome.tag, Refuse{}), out_));
    EXPECT_FALSE(membership_.on_relayed(kNow, control(welcome.tag, Relay{}), out_));
    EXPECT_EQ(membership_.counters().stale, stale + 5);
    EXPECT_TRUE(membership_.on_relayed(kNow, control(welcome.tag, Ping{2}), out_));
}

}  // namespace
}  // namespace tulle::mesh::membership_parts_test
