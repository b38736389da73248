#include "tests/unit/mesh/core/played_peer.hpp"

/// A connection to a peer that broke and stands again: the peer may be at its end, or another process.
namespace tulle::mesh::membership_place_test {
namespace {

class PlaceTest : public PlayedPeerTest {
protected:
    [[nodiscard]] PeerState state() const { return node_.membership().find(OriginId{2})->state; }

    /// Gives the nonce of the Knock that goes over the connection then.
    std::uint64_t connect_again() {
        const ConnectionId connection = *node_.membership().find(OriginId{2})->connection;
        feed(ConnectionDown{connection});
        out_.clear();
        feed(ConnectionUp{connection});
        const auto knocks = controls<Knock>(out_);
        EXPECT_EQ(knocks.size(), 1u);
        return knocks.empty() ? 0 : knocks[0].nonce;
    }
    void refuse(std::uint64_t by, std::uint64_t echo) {
        feed(Control{OriginId{by}, OriginId{1}, {}, Refuse{RefusalReason::kNameTaken, "another holds it", echo}});
    }
};

TEST_F(PlaceTest, WhoeverRefusesUsAtAPeersPlaceHasReplacedIt) {
    const std::uint64_t nonce = connect_again();
    ASSERT_NE(nonce, 0u);
    refuse(9, nonce + 2);
    EXPECT_EQ(state(), PeerState::kAlive) << "a stranger that was not asked";
    refuse(9, 0);
    EXPECT_EQ(state(), PeerState::kAlive);
    refuse(2, nonce);
    EXPECT_EQ(state(), PeerState::kAlive) << "that is the peer itself";
    refuse(9, nonce);
    EXPECT_EQ(state(), PeerState::kDead);
}

TEST_F(PlaceTest, WhoIsHeardAgainWasNotReplaced) {
    const std::uint64_t nonce = connect_again();
    control(Heartbeat{});
    refuse(9, nonce);
    EXPECT_EQ(state(), PeerState::kAlive);
}

TEST_F(PlaceTest, AHeartbeatDoesNotWaitForItsTurnWhenAConnectionStandsAgain) {
    while (controls<Heartbeat>(out_).empty()) {
        wait(10ms);
    }
    connect_again();
    EXPECT_EQ(controls<Heartbeat>(out_).size(), 1u);
    wait(200ms);
    EXPECT_EQ(controls<Heartbeat>(out_).size(), 1u) << "the next one comes when it is due";
}

}  // namespace
}  // namespace tulle::mesh::membership_place_test
