#include "mesh/core/node/rebinding.hpp"

#include <algorithm>

#include "tests/unit/mesh/core/played_peer.hpp"

/// A node whose key changes closes its ports for a moment, and says so before.
namespace tulle::mesh::rebinding_test {
namespace {

class RebindingTest : public PlayedPeerTest {
protected:
    [[nodiscard]] PeerState state() const { return node_.membership().find(OriginId{2})->state; }
    /// The peer's connection breaks, and the peer's port refuses.
    void refuse() {
        const ConnectionId connection = *node_.membership().find(OriginId{2})->connection;
        feed(ConnectionDown{connection});
        feed(EndpointChecked{connection, EndpointState::kRefused});
    }
    [[nodiscard]] static std::ptrdiff_t rebinds(const Effects& effects) {
        return std::count_if(effects.begin(), effects.end(),
                             [](const Effect& effect) { return std::holds_alternative<Rebind>(effect); });
    }
    /// The announcements in the heartbeats sent since the last clear.
    [[nodiscard]] std::vector<std::uint32_t> announced() const {
        std::vector<std::uint32_t> all;
        for (const Heartbeat& beat : controls<Heartbeat>(out_)) {
            all.push_back(beat.rebind_ms);
        }
        return all;
    }
};

TEST_F(RebindingTest, ARefusalIsDeathUnlessItWasAnnounced) {
    heartbeat();
    refuse();
    EXPECT_EQ(state(), PeerState::kDead);
}

TEST_F(RebindingTest, AnAnnouncedRefusalSaysNothing) {
    heartbeat(2000);
    refuse();
    EXPECT_EQ(state(), PeerState::kAlive);
    // The transport dials again, and the peer goes on.
    feed(ConnectionUp{*node_.membership().find(OriginId{2})->connection});
    heartbeat();
    EXPECT_EQ(state(), PeerState::kAlive);
}

TEST_F(RebindingTest, AnAnnouncementEndsAndSilenceStillKills) {
    heartbeat(1000);
    wait(900ms);
    heartbeat();
    refuse();
    EXPECT_EQ(state(), PeerState::kAlive);
    // The node asks again and again, and a refusal after the announced time counts.
    wait(200ms);
    const ConnectionId connection = *node_.membership().find(OriginId{2})->connection;
    feed(EndpointChecked{connection, EndpointState::kRefused});
    EXPECT_EQ(state(), PeerState::kDead);
}

TEST_F(RebindingTest, SilenceKillsDuringTheAnnouncedTimeToo) {
    heartbeat(kMaxRebindMs);
    refuse();
    wait(3s);
    EXPECT_EQ(state(), PeerState::kDead);
}

TEST_F(RebindingTest, ThePeersHearOfItASecondBeforehandAndUntilItIsOver) {
    out_.clear();
    feed(RebindRequest{});
    Instant told{};
    Instant bound{};
    for (int i = 0; i < 800 && bound == Instant{}; ++i) {
        wait(10ms);
        if (i % 20 == 0) {
            heartbeat();
        }
        const std::vector<std::uint32_t> all = announced();
        if (told == Instant{} && std::any_of(all.begin(), all.end(), [](std::uint32_t ms) { return ms > 0; })) {
            told = now_;
        }
        bound = rebinds(out_) > 0 ? now_ : bound;
    }
    ASSERT_NE(bound, Instant{});
    ASSERT_NE(told, Instant{});
    EXPECT_GE(bound - told, 990ms);
    EXPECT_LE(bound - kStart, Timing{}.rebind_spread + Timing{}.rebind_notice + 20ms);
    // Every announcement covers the moment of the rebind.
    for (const std::uint32_t ms : announced()) {
        EXPECT_LE(ms, kMaxRebindMs);
    }
    EXPECT_EQ(rebinds(out_), 1);
    out_.clear();
    wait(Timing{}.rebind_grace + 300ms);
    heartbeat();
    wait(300ms);
    ASSERT_FALSE(announced().empty());
    EXPECT_EQ(announced().back(), 0U) << "it is over";
}

TEST_F(RebindingTest, ASecondRequestBeforeTheFirstIsDoneChangesNothing) {
    feed(RebindRequest{});
    feed(RebindRequest{});
    out_.clear();
    for (int i = 0; i < 40; ++i) {
        wait(200ms);
        heartbeat();
    }
    EXPECT_EQ(rebinds(out_), 1);
}

TEST_F(RebindingTest, ANodeWithoutPeersBindsAtOnce) {
    Effects out;
    MeshNode node(options({}), 1);
    node.start(kStart, out);
    node.step(kStart, RebindRequest{}, out);
    node.settle(kStart, out);
    EXPECT_EQ(rebinds(out), 1);
}

/// The texts of the warnings in `effects`.
std::string warnings(const Effects& effects) {
    std::string all;
    for (const Effect& effect : effects) {
        if (const auto* notice = std::get_if<Notice>(&effect);
            notice != nullptr && notice->severity == Severity::kWarn) {
            all += notice->text + "\n";
        }
    }
    return all;
}

TEST_F(RebindingTest, APeerWithoutTheKeyIsNamedWithTheKeysOfBoth) {
    feed(KeysChanged{{0x0000abcd, 0x12345678}});
    Heartbeat beat;
    beat.key_ids = {0xfedcba98};
    control(beat);
    out_.clear();
    wait(300ms);
    const std::vector<Heartbeat> beats = controls<Heartbeat>(out_);
    ASSERT_FALSE(beats.empty());
    EXPECT_EQ(beats.back().key_ids, (MeshKeyIds{0x0000abcd, 0x12345678})) << "the peer is told as well";
    out_.clear();
    feed(ConnectionRefused{*node_.membership().find(OriginId{2})->connection});
    const std::string said = warnings(out_);
    EXPECT_NE(said.find("for its key"), std::string::npos) << said;
    EXPECT_NE(said.find("keys (0000abcd, 12345678)"), std::string::npos) << said;
    EXPECT_NE(said.find("heard last it had fedcba98"), std::string::npos) << said;
    EXPECT_EQ(state(), PeerState::kAlive) << "the refusal alone is no death";
}

TEST_F(RebindingTest, ASeedThatRefusesOurKeyKeepsTheNodeFromServingAndIsNamed) {
    Effects out;
    NodeOptions with_seed = options({});
    with_seed.seeds = {"b:1"};
    MeshNode node(std::move(with_seed), 1);
    node.start(kStart, out);
    const auto* open = std::get_if<OpenConnection>(&out.front());
    ASSERT_NE(open, nullptr);
    node.step(kStart + 10ms, ConnectionRefused{open->connection}, out);
    node.settle(kStart + 10ms, out);
    node.settle(kStart + 3s, out);
    EXPECT_FALSE(node.ready());
    const NodeStatus status = node.status(kStart + 3s);
    EXPECT_TRUE(status.refused);
    ASSERT_EQ(status.refusals.size(), 1U);
    EXPECT_EQ(status.refusals[0].reason, "key");
    EXPECT_EQ(status.refusals[0].endpoint, "b:1");
    EXPECT_FALSE(status.refusals[0].by_us);
}

}  // namespace
}  // namespace tulle::mesh::rebinding_test
