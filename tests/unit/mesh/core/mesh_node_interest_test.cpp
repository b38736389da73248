#include "tests/unit/mesh/core/played_peer.hpp"

/// What a peer can make of the interest of both sides, and what its silence costs.
namespace tulle::mesh::mesh_node_interest_test {
namespace {

std::string name(std::uint64_t i) {
    std::string digits = std::to_string(i);
    return "app/c" + std::string(8 - digits.size(), '0') + digits;
}

class MeshNodeInterestTest : public PlayedPeerTest {
protected:
    void from_peer(ControlBody body) {
        node_.step(now_, Control{OriginId{2}, OriginId{1}, tag_, std::move(body)}, out_);
    }
    void end_turn() { node_.settle(now_, out_); }

    static InterestChunk chunk(std::uint64_t first, bool last = false) {
        InterestChunk made{.snapshot = 1,
                           .base = InterestVersion{9},
                           .after = first == 0 ? "" : name(first - 1),
                           .channels = {},
                           .last = last,
                           .current = InterestVersion{9}};
        for (std::uint64_t i = 0; i < 100; ++i) {
            made.channels.push_back(name(first + i));
        }
        return made;
    }

    std::size_t held_of_peer() const {
        for (const auto& [gauge, value] : node_.status(now_).gauges) {
            if (gauge == "mesh_remote_channels") {
                return value;
            }
        }
        return 0;
    }
};

TEST_F(MeshNodeInterestTest, ForgetsSubscriptionsThatEndBeforeThePeerHasHeardOfThem) {
    for (std::uint64_t i = 0; i < 100'000; ++i) {
        from_shard(0, Subscribe{name(i), i + 1, i % 3 == 1, i % 3 == 2});
        from_shard(0, Unsubscribe{name(i)});
        out_.clear();
    }
    const MeshNode::MemoryUse use = node_.memory_use();
    EXPECT_EQ(use.waiting, 0u);
    EXPECT_EQ(use.interest_pending, use.interest) << "what is left are channels that the peer was told of once";
    EXPECT_LE(use.interest, 3u);
}

TEST_F(MeshNodeInterestTest, ConfirmsWhatHasWaitedForTheWindow) {
    const std::size_t window = Limits{}.interest_window;
    for (std::uint64_t i = 0; i < window + 10; ++i) {
        from_shard(0, Subscribe{name(i), 1, false, false});
    }
    EXPECT_EQ(node_.local_interest().log().version().value, window);
    EXPECT_EQ(node_.memory_use().interest_pending, 10u);
    out_.clear();
    control(InterestAck{InterestVersion{window}});
    EXPECT_EQ(to_shards<Subscribed>(out_).size(), window);
    control(InterestAck{InterestVersion{window + 10}});
    EXPECT_EQ(to_shards<Subscribed>(out_).size(), window + 10);
    EXPECT_EQ(node_.memory_use().waiting, 0u);
}

TEST_F(MeshNodeInterestTest, ConfirmsWhatHasWaitedForTheWindowWhenThePeerIsGone) {
    const std::size_t window = Limits{}.interest_window;
    const std::size_t all = 4 * window + 10;
    for (std::uint64_t i = 0; i < all; ++i) {
        from_shard(0, Subscribe{name(i), 1, false, false});
    }
    ASSERT_EQ(node_.memory_use().interest_pending, all - window);
    while (node_.membership().find(OriginId{2})->in_session()) {
        ASSERT_TRUE(to_shards<Subscribed>(out_).empty());
        out_.clear();
        wait(10ms);
    }
    std::size_t confirmed = to_shards<Subscribed>(out_).size();
    for (int turn = 0; turn < 10 && confirmed < all; ++turn) {
        ASSERT_EQ(node_.next_deadline(), now_) << "the rest is not to wait for anything";
        out_.clear();
        end_turn();
        const std::size_t more = to_shards<Subscribed>(out_).size();
        EXPECT_LE(more, window) << "of one turn";
        confirmed += more;
    }
    EXPECT_EQ(confirmed, all);
    EXPECT_EQ(node_.memory_use().waiting, 0u);
}

TEST_F(MeshNodeInterestTest, TakesOneChunkATurnAndAsksForTheNextWhenItEnds) {
    now_ += 200ms;  // the pulls of the beginning are over
    // differs at the same version: a snapshot is asked for
    control(Heartbeat{.version = InterestVersion{}, .digest = 7});
    ASSERT_EQ(controls<InterestPull>(out_).size(), 1u);
    out_.clear();
    for (std::uint64_t i = 0; i < 60; ++i) {
        from_peer(chunk(100 * i));
    }
    EXPECT_EQ(held_of_peer(), 100u);
    EXPECT_TRUE(controls<InterestPull>(out_).empty());
    end_turn();
    ASSERT_EQ(controls<InterestPull>(out_).size(), 1u);
    EXPECT_EQ(controls<InterestPull>(out_).front().after, name(99));
    control(chunk(100, true));
    EXPECT_EQ(held_of_peer(), 200u);
    EXPECT_EQ(node_.interest_of(OriginId{2})->first, InterestVersion{9});
}

TEST_F(MeshNodeInterestTest, TakesNoMoreChangesInATurnThanAnHonestPeerHasUnderWay) {
    const std::size_t most = 2 * Limits{}.interest_window;
    std::uint64_t sent = 0;
    for (int message = 0; message < 20; ++message) {
        InterestDelta delta{.base = InterestVersion{sent}, .changes = {}, .current = {}};
        for (; delta.changes.size() < Limits{}.delta_changes; ++sent) {
            delta.changes.push_back({true, name(sent)});
        }
        from_peer(delta);
    }
    EXPECT_EQ(held_of_peer(), most);
    end_turn();
    control(InterestDelta{InterestVersion{most}, {{true, "more"}}, {}});
    EXPECT_EQ(held_of_peer(), most + 1) << "what was not taken can be sent again";
}

TEST_F(MeshNodeInterestTest, AnswersNoMoreThanTwoPullsATurnAndTheLastOne) {
    from_shard(0, Subscribe{"app/a", 1, false, false});
    from_shard(0, Subscribe{"app/b", 2, false, false});
    out_.clear();
    for (int i = 0; i < 50; ++i) {
        from_peer(InterestPull{});
    }
    from_peer(InterestPull{.have = InterestVersion{1}});
    end_turn();
    const auto answers = controls<InterestDelta>(out_);
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers.back().base, InterestVersion{1});
}

TEST_F(MeshNodeInterestTest, BearsVersionsAtTheEndOfTheirRange) {
    const InterestVersion end{~std::uint64_t{0}};
    control(InterestAck{end});
    control(InterestPull{.have = end, .snapshot = end.value, .after = "x"});
    control(InterestDelta{end, {{true, "app/a"}}, end});
    control(InterestDelta{InterestVersion{}, {{true, "app/a"}}, end});
    control(Heartbeat{.version = end, .applied = end});
    control(Heartbeat{.version = InterestVersion{1}, .digest = 1});
    control(InterestChunk{end.value, end, "", {"app/b"}, true, end});
    control(InterestDelta{end, {{true, "app/c"}, {false, "app/b"}}, InterestVersion{}});
    from_shard(0, Subscribe{"app/own", 1, false, false});
    out_.clear();
    control(InterestAck{node_.local_interest().log().version()});
    EXPECT_EQ(to_shards<Subscribed>(out_).size(), 1u);
}

}  // namespace
}  // namespace tulle::mesh::mesh_node_interest_test
