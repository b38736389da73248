#include "tests/unit/mesh/core/played_peer.hpp"

/// Silence on control though data speaks, and peers that take nothing in.
namespace tulle::mesh::membership_control_test {
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

class ControlTest : public PlayedPeerTest {
protected:
    [[nodiscard]] PeerState state() const { return node_.membership().find(OriginId{2})->state; }
    [[nodiscard]] std::int64_t micros() const { return now_.time_since_epoch() / 1us; }

    Heartbeat heartbeat() const {
        Heartbeat beat;
        beat.sent_at_us = micros();
        beat.echo_us = micros();
        beat.ready = true;
        return beat;
    }

    void tail() { feed(Data{OriginId{2}, OriginId{1}, tag_, Tail{}}); }

    /// The peer says so every quarter of a second.
    void pass(Duration time, const std::function<void()>& say) {
        for (Duration gone = 0ms; gone < time; gone += 250ms) {
            wait(250ms);
            say();
        }
    }

    void meet_again(std::uint64_t tag) {
        out_.clear();
        const Introduction peer{"test",           "b", "1", {"b:1", "b:2", "b:3"}, kOldestProtocolVersion,
                                kProtocolVersion, true};
        feed(Control{
            OriginId{2}, OriginId{1}, {}, Hello{peer, SessionTag{tag}, {std::nullopt, RecordNo{}, {}, {}}, {}}});
        for (const OpenConnection& open : all_of<OpenConnection>(Effects(out_))) {
            feed(ConnectionUp{open.connection});
        }
        if (const auto welcomes = controls<Welcome>(out_); !welcomes.empty()) {
            tag_ = welcomes.back().tag;
            control(heartbeat());
            control(InterestPull{});
        }
    }
};

TEST_F(ControlTest, WhoSpeaksOnDataAloneIsDeaf) {
    control(heartbeat());
    pass(750ms, [&] { tail(); });
    EXPECT_FALSE(node_.membership().liveness().was_deaf(now_, OriginId{2})) << "it may be slow";
    pass(250ms, [&] { tail(); });
    EXPECT_TRUE(node_.membership().liveness().was_deaf(now_, OriginId{2}));
}

TEST_F(ControlTest, WhoFallsSilentOnBothPathsAtOnceIsNotDeaf) {
    control(heartbeat());
    tail();
    wait(1500ms);
    EXPECT_FALSE(node_.membership().liveness().was_deaf(now_, OriginId{2}));
}

TEST_F(ControlTest, WhoIsHeardButAnswersNothingNewIsUnanswered) {
    pass(2s, [&] { control(heartbeat()); });
    EXPECT_FALSE(node_.membership().liveness().was_unanswered(now_, OriginId{2}));
    Heartbeat old = heartbeat();
    pass(750ms, [&] { control(old); });
    EXPECT_FALSE(node_.membership().liveness().was_unanswered(now_, OriginId{2})) << "it may be slow";
    pass(250ms, [&] { control(old); });
    EXPECT_TRUE(node_.membership().liveness().was_unanswered(now_, OriginId{2}));
    EXPECT_FALSE(node_.membership().liveness().was_deaf(now_, OriginId{2}));
    control(heartbeat());
    EXPECT_FALSE(node_.membership().liveness().was_unanswered(now_, OriginId{2}));
}

TEST_F(ControlTest, WhatACutHeldBackIsNoAnswer) {
    control(heartbeat());
    Heartbeat old = heartbeat();
    wait(1900ms);
    control(old);
    EXPECT_EQ(state(), PeerState::kAlive);
    EXPECT_TRUE(node_.membership().liveness().was_unanswered(now_, OriginId{2})) << "the peer had no receipt meanwhile";
}

TEST_F(ControlTest, DataAloneKeepsNobodyAlive) {
    pass(1750ms, [&] { tail(); });
    EXPECT_TRUE(all_of<OpenConnection>(out_).empty());
    pass(500ms, [&] { tail(); });
    ASSERT_FALSE(all_of<OpenConnection>(out_).empty()) << "control is dialled again first";
    EXPECT_EQ(all_of<OpenConnection>(out_)[0].endpoint, "b:1");
    EXPECT_EQ(state(), PeerState::kAlive);
    from_shard(0, Subscribe{"app/x", 1});
    EXPECT_TRUE(to_shards<Subscribed>(out_).empty());
    pass(2s, [&] { tail(); });
    EXPECT_NE(state(), PeerState::kAlive);
    EXPECT_EQ(node_.membership().counters().control_deaths, 1u);
    EXPECT_EQ(to_shards<Subscribed>(out_).size(), 1u) << "nothing waits for it any more";
}

TEST_F(ControlTest, ACutAndAShortSilenceOfControlBehindItAreNoDeath) {
    control(heartbeat());
    wait(1500ms);  // nothing comes at all
    pass(3s, [&] { tail(); });
    EXPECT_EQ(state(), PeerState::kAlive) << "control has been silent for 3 s of those in which data spoke";
    EXPECT_EQ(node_.membership().counters().control_deaths, 0u);
    pass(1s, [&] { tail(); });
    EXPECT_EQ(node_.membership().counters().control_deaths, 1u) << "no more than the cut is forgiven";
}

TEST_F(ControlTest, WhoAnswersNoPingHoldsPublishersUpForSecondsOnly) {
    control(heartbeat());
    now_ += 10s;
    node_.settle(now_, out_);
    ASSERT_FALSE(controls<Ping>(out_).empty());
    from_shard(0, Publish{1, {"app/news"}, share(EventBody("e", "x")), {}});
    pass(3500ms, [&] { control(heartbeat()); });
    EXPECT_TRUE(to_shards<Published>(out_).empty());
    EXPECT_EQ(state(), PeerState::kAlive);
    pass(1s, [&] { control(heartbeat()); });
    ASSERT_EQ(to_shards<Published>(out_).size(), 1u);
    EXPECT_EQ(to_shards<Published>(out_)[0].outcome, PublishOutcome::kAccepted);
    EXPECT_EQ(node_.membership().counters().stuck_deaths, 1u);
}

TEST_F(ControlTest, APeerThatDoesNotHearUsIsDeadThoughItSpeaks) {
    const std::int64_t then = micros();
    pass(5s, [&] {
        Heartbeat beat = heartbeat();
        beat.echo_us = then;
        control(beat);
    });
    EXPECT_EQ(node_.membership().counters().control_redials, 1u);
    EXPECT_EQ(node_.membership().counters().control_deaths, 1u);
}

TEST_F(ControlTest, WhoIsInOrderIsLeftAlone) {
    pass(30s, [&] {
        control(heartbeat());
        tail();
    });
    EXPECT_EQ(state(), PeerState::kAlive);
    EXPECT_EQ(node_.membership().counters().control_redials, 0u);
}

TEST_F(ControlTest, WhoTakesInNoInterestHoldsSubscriptionsUpForSecondsAndThenLessAndLess) {
    from_shard(0, Subscribe{"app/x", 1});
    pass(4750ms, [&] { control(heartbeat()); });
    EXPECT_EQ(state(), PeerState::kAlive);
    EXPECT_TRUE(to_shards<Subscribed>(out_).empty());
    pass(750ms, [&] { control(heartbeat()); });
    EXPECT_EQ(node_.membership().counters().stuck_deaths, 1u);
    EXPECT_EQ(to_shards<Subscribed>(out_).size(), 1u);
    meet_again(78);
    EXPECT_TRUE(controls<Welcome>(out_).empty()) << "not at once";
    wait(2s);
    meet_again(79);
    ASSERT_FALSE(controls<Welcome>(out_).empty());
    EXPECT_EQ(state(), PeerState::kAlive);
    pass(2500ms, [&] { control(heartbeat()); });
    EXPECT_EQ(node_.membership().counters().stuck_deaths, 2u) << "there is less patience the second time";
    wait(2s);
    meet_again(80);
    EXPECT_TRUE(controls<Welcome>(out_).empty()) << "and a longer pause";
    wait(2s);
    meet_again(81);
    EXPECT_FALSE(controls<Welcome>(out_).empty());
}

TEST_F(ControlTest, WhoFollowsSlowlyIsNotStuck) {
    std::uint64_t acked = 0;
    for (int i = 0; i < 40; ++i) {
        from_shard(0, Subscribe{"app/x" + std::to_string(i), 1});
    }
    pass(30s, [&] {
        control(heartbeat());
        if (now_.time_since_epoch() % 1s == 0ms) {
            control(InterestAck{InterestVersion{++acked}});
        }
    });
    EXPECT_EQ(state(), PeerState::kAlive);
    EXPECT_EQ(acked, 30u);
}

TEST_F(ControlTest, ANodeThatHearsNobodyOnControlNorItselfDoesNotServe) {
    pass(2250ms, [&] { tail(); });
    const auto opened = all_of<OpenConnection>(out_);
    ASSERT_EQ(opened.size(), 2u);
    EXPECT_EQ(opened[1].endpoint, "a:1") << "it knocks at its own endpoint";
    feed(ConnectionUp{opened[1].connection});
    ASSERT_FALSE(controls<Knock>(out_).empty());
    const Knock own = controls<Knock>(out_).back();
    pass(2s, [&] { tail(); });
    EXPECT_FALSE(node_.ready());
    ASSERT_FALSE(all_of<ReadinessChanged>(out_).empty());
    EXPECT_FALSE(all_of<ReadinessChanged>(out_).back().ready);
    EXPECT_TRUE(node_.status(now_).deaf);
    feed(Control{OriginId{1}, OriginId{1}, {}, Knock{}});  // a stranger's, under our id
    EXPECT_TRUE(node_.status(now_).deaf);
    feed(Control{OriginId{1}, OriginId{1}, {}, own});  // its own, at last
    feed(SubscriberGone{OriginId{9}});
    EXPECT_TRUE(node_.ready());
}

TEST_F(ControlTest, ANodeThatWasDeafServesAgainWhenNobodyIsThereForLong) {
    pass(4250ms, [&] { tail(); });
    ASSERT_FALSE(node_.ready());
    wait(14s);
    EXPECT_FALSE(node_.ready());
    wait(2s);
    EXPECT_TRUE(node_.ready());
    EXPECT_FALSE(node_.status(now_).deaf);
}

TEST_F(ControlTest, ANodeThatHearsItselfServesOnWhenItsOnlyPeerIsDeaf) {
    pass(2250ms, [&] { tail(); });
    feed(ConnectionUp{all_of<OpenConnection>(out_).back().connection});
    ASSERT_FALSE(controls<Knock>(out_).empty());
    feed(Control{OriginId{1}, OriginId{1}, {}, controls<Knock>(out_).back()});
    pass(2s, [&] { tail(); });
    EXPECT_EQ(node_.membership().counters().control_deaths, 1u);
    EXPECT_TRUE(node_.ready());
}

TEST_F(ControlTest, WhoSpeaksAfterItsGoodbyeIsMetAgain) {
    control(Leave{});
    ASSERT_EQ(state(), PeerState::kLeft);
    wait(500ms);
    control(heartbeat());
    EXPECT_EQ(state(), PeerState::kLeft) << "that may have been under way";
    wait(600ms);
    out_.clear();
    control(heartbeat());
    EXPECT_EQ(state(), PeerState::kJoining);
    ASSERT_EQ(all_of<OpenConnection>(out_).size(), 1u);
    EXPECT_EQ(all_of<OpenConnection>(out_)[0].endpoint, "b:1");
    meet_again(90);
    EXPECT_EQ(state(), PeerState::kAlive);
}

TEST_F(ControlTest, WhoHasLeftStaysSoWhenNobodyIsThereAnyMore) {
    control(Leave{});
    wait(7s);
    out_.clear();
    control(Heartbeat{});
    ASSERT_EQ(all_of<OpenConnection>(out_).size(), 1u);
    feed(EndpointChecked{all_of<OpenConnection>(out_)[0].connection, EndpointState::kRefused});
    wait(2500ms);
    EXPECT_EQ(state(), PeerState::kLeft);
}

TEST_F(ControlTest, NumbersThatNoClockShowsAreNotReckonedWith) {
    for (const std::int64_t odd :
         {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
        Heartbeat beat = heartbeat();
        beat.sent_at_us = odd;
        control(beat);
        beat = heartbeat();
        beat.echo_us = odd;
        control(beat);
        beat = heartbeat();
        beat.echo_held_us = odd;
        control(beat);
    }
    EXPECT_LE(node_.status(now_).members.at(0).rtt_us, 1u);
}

}  // namespace
}  // namespace tulle::mesh::membership_control_test
