#include <gtest/gtest.h>

#include "tests/unit/mesh/core/played_peer.hpp"

/// A peer dies. Records that only this node was to get are told as lost when the peer had been heard on control alone.
namespace tulle::mesh::deaf_death_test {
namespace {

class DeafDeathTest : public PlayedPeerTest {
protected:
    void tail() { feed(Data{OriginId{2}, OriginId{1}, tag_, Tail{}}); }
    /// Both paths speak for 2 s: four heartbeats a second, and a tail.
    void live() {
        for (int i = 0; i < 8; ++i) {
            heartbeat();
            if (i % 4 == 0) {
                tail();
            }
            wait(250ms);
        }
        heartbeat();
        tail();
        out_.clear();
    }
    /// Control alone speaks for `time`.
    void speak_on_control(Duration time) {
        for (const Instant until = now_ + time; now_ < until;) {
            wait(250ms);
            heartbeat();
        }
    }
    /// This node has no turn for `time`.
    void stall(Duration time) { now_ += time; }
    /// The peer's port refuses. Returns the gaps told to each shard.
    std::size_t die() {
        const ConnectionId connection = *node_.membership().find(OriginId{2})->connection;
        feed(ConnectionDown{connection});
        feed(EndpointChecked{connection, EndpointState::kRefused});
        EXPECT_EQ(node_.membership().find(OriginId{2})->state, PeerState::kDead);
        // The recovery ends at once, as nobody survives who could be asked.
        return to_shards<Gap>(out_).size();
    }
};

TEST_F(DeafDeathTest, WhoSpokeOnBothPathsLeavesNoGap) {
    live();
    wait(100ms);
    EXPECT_EQ(die(), 0u);
}

TEST_F(DeafDeathTest, WhoSpokeOnControlAloneLeavesAGap) {
    live();
    speak_on_control(1500ms);
    EXPECT_GT(die(), 0u);
}

TEST_F(DeafDeathTest, WhoSaidThatRecordsWaitLeavesAGap) {
    live();
    heartbeat(0, RecordNo{60});
    EXPECT_GT(die(), 0u);
}

TEST_F(DeafDeathTest, RecordsThatWaitedAndCameLeaveNoGap) {
    live();
    heartbeat(0, RecordNo{50});
    // The frame considers all records up to 50.
    frame({});
    heartbeat();
    EXPECT_EQ(die(), 0u);
}

TEST_F(DeafDeathTest, APauseBetweenTailsIsNoDeafness) {
    live();
    speak_on_control(1250ms);
    EXPECT_EQ(die(), 0u);
}

TEST_F(DeafDeathTest, WhoFellSilentOnBothPathsLeavesNoGap) {
    live();
    wait(1900ms);
    EXPECT_EQ(die(), 0u);
}

TEST_F(DeafDeathTest, ThisNodesOwnStallIsNoDeafness) {
    live();
    stall(2s);
    EXPECT_EQ(die(), 0u);
}

TEST_F(DeafDeathTest, ThisNodesOwnStallAfterAPauseBetweenTailsIsNoDeafness) {
    live();
    speak_on_control(750ms);
    stall(900ms);
    EXPECT_EQ(die(), 0u);
}

TEST_F(DeafDeathTest, ControlThatComesFirstAfterThisNodesOwnStallIsNoDeafness) {
    live();
    stall(1600ms);
    // The turn begins, and is found late, before its messages are handed over.
    wait(10ms);
    heartbeat();
    EXPECT_EQ(die(), 0u);
}

}  // namespace
}  // namespace tulle::mesh::deaf_death_test
