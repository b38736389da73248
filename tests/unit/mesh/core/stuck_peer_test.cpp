#include "tests/unit/mesh/core/played_peer.hpp"

/// Peers that hold new subscriptions up for ever, by what they leave out, or that have more than a node may.
namespace tulle::mesh::stuck_peer_test {
namespace {

const std::string kRoom = "app/presence-room";
const std::string kChannel = "app/cache-a";

class StuckPeerTest : public PlayedPeerTest {
protected:
    explicit StuckPeerTest(const Limits& limits = {}) : PlayedPeerTest(limits) {}

    [[nodiscard]] PeerState state() const { return node_.membership().find(OriginId{2})->state; }
    [[nodiscard]] std::uint64_t stuck_deaths() const { return node_.membership().counters().stuck_deaths; }

    /// The peer acknowledges all interest, and says nothing else but what `say` says, every quarter of a second.
    void pass(
        Duration time, const std::function<void()>& say = [] {}) {
        for (Duration gone = 0ms; gone < time && state() == PeerState::kAlive; gone += 250ms) {
            wait(250ms);
            heartbeat();
            control(InterestAck{node_.local_interest().log().version()});
            say();
        }
    }
    void list(const std::string& channel) {
        frame({{.channel = channel,
                .version = node_.local_interest().log().version(),
                .at = RecordNo{20},
                .first = true,
                .last = true,
                .members = {}}});
    }
    /// A new session, in which the peer asks for nothing.
    void meet(std::uint64_t tag) {
        const Introduction peer{"test",           "b", "1", {"b:1", "b:2", "b:3"}, kOldestProtocolVersion,
                                kProtocolVersion, true};
        feed(Control{
            OriginId{2}, OriginId{1}, {}, Hello{peer, SessionTag{tag}, {std::nullopt, RecordNo{}, {}, {}}, {}}});
        for (const Effect& effect : Effects(out_)) {
            if (const auto* open = std::get_if<OpenConnection>(&effect)) {
                feed(ConnectionUp{open->connection});
            }
        }
        tag_ = controls<Welcome>(out_).back().tag;
        frames_ = 0;
        heartbeat();
    }
};

TEST_F(StuckPeerTest, WhoAcknowledgesButNeverListsItsUsersIsGivenUp) {
    from_shard(0, Subscribe{kRoom, 1, true});
    pass(4500ms);
    EXPECT_EQ(state(), PeerState::kAlive);
    EXPECT_TRUE(to_shards<Subscribed>(out_).empty());
    pass(1500ms);
    EXPECT_EQ(stuck_deaths(), 1u);
    EXPECT_EQ(to_shards<Subscribed>(out_).size(), 1u) << "nothing waits for it any more";
}

TEST_F(StuckPeerTest, WhoNeverTellsOfLastEventsIsGivenUpThoughItListsItsUsers) {
    from_shard(0, Subscribe{.channel = kChannel, .generation = 1, .retained = true});
    from_shard(0, Subscribe{kRoom, 2, true});
    pass(59s, [&] { list(kRoom); });
    EXPECT_EQ(state(), PeerState::kAlive) << "it may have a lot to say";
    pass(2s, [&] { list(kRoom); });
    EXPECT_EQ(stuck_deaths(), 1u);
    EXPECT_EQ(to_shards<Subscribed>(out_).size(), 2u);
}

TEST_F(StuckPeerTest, WhatQueuesBehindFramesHasThreeTimesAsLong) {
    from_shard(0, Subscribe{kRoom, 1, true});
    pass(14s, [&] { frame({}); });
    EXPECT_EQ(state(), PeerState::kAlive);
    pass(2s, [&] { frame({}); });
    EXPECT_EQ(stuck_deaths(), 1u);
}

TEST_F(StuckPeerTest, WhoHasToldAllIsLeftAlone) {
    pass(20s);
    from_shard(0, Subscribe{kRoom, 1, true});
    pass(4s);
    list(kRoom);
    EXPECT_EQ(to_shards<Subscribed>(out_).size(), 1u);
    pass(20s);
    from_shard(0, Subscribe{.channel = kChannel, .generation = 1, .retained = true});
    pass(4500ms);
    EXPECT_EQ(state(), PeerState::kAlive) << "its time begins with what it has not told";
    from_shard(0, Unsubscribe{kChannel});
    pass(20s);
    EXPECT_EQ(stuck_deaths(), 0u);
}

class StuckAgainTest : public StuckPeerTest {
protected:
    /// The peer has been stuck before, follows now, and a subscription waits for its list of users.
    StuckAgainTest() {
        from_shard(0, Subscribe{kRoom, 1, true});
        pass(6s);
        wait(2500ms);
        meet(78);
        control(InterestPull{{}, 0, {}, false});
        tail();
    }
    void tail() { feed(Data{OriginId{2}, OriginId{1}, tag_, Tail{FrameNo{frames_}, RecordNo{50}}}); }
    void pass_with_tails(Duration time) {
        for (Duration gone = 0ms; gone < time && state() == PeerState::kAlive; gone += 1s) {
            tail();
            pass(1s);
        }
    }
};

TEST_F(StuckAgainTest, WhoWasStuckBeforeHasTwoSecondsToTell) {
    ASSERT_EQ(stuck_deaths(), 1u);
    list(kRoom);
    from_shard(0, Subscribe{.channel = kChannel, .generation = 2, .retained = true});
    pass_with_tails(1s);
    EXPECT_EQ(state(), PeerState::kAlive);
    pass_with_tails(2s);
    EXPECT_EQ(stuck_deaths(), 2u);
}

TEST_F(StuckAgainTest, ItsTimeBeginsWithWhatItHasNotTakenIn) {
    list(kRoom);
    pass_with_tails(1s);
    out_.clear();
    while (controls<Heartbeat>(out_).empty()) {
        wait(10ms);  // with its heartbeats a node looks at what its peers have taken in
    }
    wait(240ms);
    from_shard(0, Subscribe{"app/x", 3});
    const auto speak = [&](Duration time) {
        for (Duration gone = 0ms; gone < time; gone += 100ms) {
            wait(100ms);
            heartbeat();
        }
    };
    tail();
    speak(1900ms);
    EXPECT_EQ(state(), PeerState::kAlive);
    speak(500ms);
    EXPECT_EQ(stuck_deaths(), 2u);
}

TEST_F(StuckAgainTest, WhoseDataPathIsSilentHasTimeToBeDialledAgain) {
    list(kRoom);
    from_shard(0, Subscribe{.channel = kChannel, .generation = 2, .retained = true});
    pass(4500ms);
    EXPECT_EQ(state(), PeerState::kAlive) << "it could tell nothing";
    tail();
    pass(1s);
    EXPECT_EQ(state(), PeerState::kAlive) << "what was lost is on its way";
    pass_with_tails(2s);
    EXPECT_EQ(stuck_deaths(), 2u);
}

TEST_F(StuckAgainTest, WhoseDataPathStaysSilentHasFiveSeconds) {
    list(kRoom);
    from_shard(0, Subscribe{.channel = kChannel, .generation = 2, .retained = true});
    pass(4500ms);
    EXPECT_EQ(state(), PeerState::kAlive);
    pass(1s);
    EXPECT_EQ(stuck_deaths(), 2u);
}

TEST_F(StuckPeerTest, TimeInWhichThisNodeDidNotRunIsForgiven) {
    from_shard(0, Subscribe{kRoom, 1, true});
    pass(3s);
    now_ += 4s;  // asleep
    node_.settle(now_, out_);
    heartbeat();
    pass(1s);
    EXPECT_EQ(state(), PeerState::kAlive);
    pass(2s);
    EXPECT_EQ(stuck_deaths(), 1u);
}

TEST_F(StuckPeerTest, WhoNeverAsksForOurInterestIsGivenUp) {
    control(Leave{FrameNo{0}});
    wait(7s);
    out_.clear();
    meet(78);
    ASSERT_EQ(state(), PeerState::kAlive);
    const auto beat = [&](Duration time) {
        for (Duration gone = 0ms; gone < time; gone += 250ms) {
            wait(250ms);
            heartbeat();
        }
    };
    beat(4500ms);
    EXPECT_EQ(state(), PeerState::kAlive);
    beat(1s);
    EXPECT_EQ(stuck_deaths(), 1u);
}

/// As slow as a peer around the world with a snapshot of a quarter of a million channels.
TEST_F(StuckPeerTest, WhoFollowsSlowlyHasTheLongerTheMoreThereIsToFollow) {
    const auto version = [&] { return node_.local_interest().log().version(); };
    std::uint64_t made = 0;
    const auto subscribe = [&](std::uint64_t count) {
        for (; count > 0; --count) {
            from_shard(0, Subscribe{"app/" + std::to_string(++made), made});
            out_.clear();
        }
    };
    while (made < 280'000) {
        subscribe(4000);
        control(InterestAck{version()});
    }
    InterestVersion acked = version();
    subscribe(4000);
    const auto follow = [&](Duration time) {
        for (Duration gone = 0ms; gone < time && stuck_deaths() == 0; gone += 250ms) {
            wait(250ms);
            heartbeat();
            acked = acked.next();
            control(InterestAck{acked});
        }
    };
    follow(70s);  // 284 thousand channels, 250 ms for each
    EXPECT_EQ(stuck_deaths(), 0u);
    follow(2s);
    EXPECT_EQ(stuck_deaths(), 1u);
}

/// A turn that ends with versions that nobody was told of is followed by another one at once, and by one alone.
TEST_F(StuckPeerTest, VersionsGivenAtTheEndOfATurnDoNotWaitForTheNextHeartbeat) {
    const std::size_t most = Limits{}.interest_window;
    for (std::uint64_t i = 0; i < most + 100; ++i) {
        from_shard(0, Subscribe{"app/" + std::to_string(i), i + 1});
    }
    EXPECT_EQ(node_.local_interest().log().version().value, most);
    const auto version = [&] { return node_.local_interest().log().version().value; };
    for (int turns = 0; version() == most && turns < 1000; ++turns) {
        now_ += 10ms;
        node_.settle(now_, out_);
        if (turns % 25 == 24 && version() == most) {
            heartbeat();
        }
    }
    ASSERT_EQ(version(), most + 100) << "the peer is given up";
    EXPECT_LE(node_.next_deadline(), now_);
    node_.settle(now_, out_);
    EXPECT_GT(node_.next_deadline(), now_);
}

class GreedyPeerTest : public StuckPeerTest {
protected:
    static Limits small() {
        Limits limits;
        limits.interest_channels = 100;
        limits.presence_users = 10;
        return limits;
    }
    GreedyPeerTest() : StuckPeerTest(small()) {}

    static std::vector<PresenceMember> users(int count) {
        std::vector<PresenceMember> members;
        for (int i = 0; i < count; ++i) {
            members.push_back({"u" + std::to_string(i), share("{}")});
        }
        return members;
    }
};

TEST_F(GreedyPeerTest, WhoHasInterestInTooManyChannelsIsGivenUp) {
    InterestDelta delta{InterestVersion{0}, {}, InterestVersion{0}};
    for (int i = 0; i < 100; ++i) {
        delta.changes.push_back({true, "app/" + std::to_string(i)});
    }
    control(delta);
    EXPECT_EQ(stuck_deaths(), 0u);
    control(InterestDelta{InterestVersion{100}, {{true, "app/more"}}, InterestVersion{0}});
    EXPECT_EQ(stuck_deaths(), 1u);
}

TEST_F(GreedyPeerTest, WhoListsTooManyUsersIsGivenUp) {
    from_shard(0, Subscribe{kRoom, 1, true});
    control(InterestAck{node_.local_interest().log().version()});
    PresencePart part{.channel = kRoom,
                      .version = node_.local_interest().log().version(),
                      .at = RecordNo{20},
                      .first = true,
                      .last = false,
                      .members = users(10)};
    frame({part});
    EXPECT_EQ(stuck_deaths(), 0u);
    part.first = false;
    frame({part});
    EXPECT_EQ(stuck_deaths(), 1u);
    EXPECT_EQ(to_shards<Subscribed>(out_).size(), 1u);
}

}  // namespace
}  // namespace tulle::mesh::stuck_peer_test
