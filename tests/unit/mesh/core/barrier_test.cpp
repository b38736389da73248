#include "mesh/core/interest/barrier.hpp"

#include <gtest/gtest.h>

namespace tulle::mesh::barrier_test {
namespace {

TEST(Barrier, ReleasesWhatEveryMemberHasAcknowledged) {
    Barrier barrier;
    barrier.wait(InterestTicket{3}, {ShardIndex{0}, {"c", 1, nullptr}, false});
    barrier.wait(InterestTicket{2}, {ShardIndex{1}, {"b", 1, nullptr}, false});
    barrier.wait(InterestTicket{2}, {ShardIndex{0}, {"b", 2, nullptr}, false});
    EXPECT_TRUE(barrier.release(InterestTicket{1}).empty());
    const auto released = barrier.release(InterestTicket{2});
    ASSERT_EQ(released.size(), 2u);
    EXPECT_EQ(released[0].shard, ShardIndex{1});
    EXPECT_EQ(released[1].answer.generation, 2u);
    EXPECT_FALSE(barrier.empty());
    EXPECT_EQ(barrier.release(InterestTicket{9}).size(), 1u);
    EXPECT_TRUE(barrier.empty());
    EXPECT_EQ(barrier.waits(), 3u);
}

TEST(Barrier, ForgetsASubscriptionThatHasEnded) {
    Barrier barrier;
    barrier.wait(InterestTicket{2}, {ShardIndex{0}, {"a", 1, nullptr}, false});
    barrier.wait(InterestTicket{2}, {ShardIndex{1}, {"a", 1, nullptr}, false});
    barrier.wait(InterestTicket{3}, {ShardIndex{0}, {"b", 1, nullptr}, false});
    barrier.forget(ShardIndex{0}, "a");
    barrier.forget(ShardIndex{1}, "b");
    barrier.forget(ShardIndex{0}, "unknown");
    EXPECT_EQ(barrier.size(), 2u);
    const auto released = barrier.release(InterestTicket{2});
    ASSERT_EQ(released.size(), 1u);
    EXPECT_EQ(released[0].shard, ShardIndex{1});
    barrier.forget(ShardIndex{0}, "b");
    EXPECT_TRUE(barrier.empty());
    EXPECT_EQ(barrier.size(), 0u);
}

TEST(Barrier, TakesTheSameShardAndChannelTwice) {
    Barrier barrier;
    barrier.wait(InterestTicket{2}, {ShardIndex{0}, {"a", 1, nullptr}, false});
    barrier.wait(InterestTicket{2}, {ShardIndex{0}, {"a", 2, nullptr}, false});
    barrier.wait(InterestTicket{3}, {ShardIndex{0}, {"a", 3, nullptr}, false});
    EXPECT_EQ(barrier.release(InterestTicket{2}).size(), 2u);
    barrier.forget(ShardIndex{0}, "a");
    EXPECT_EQ(barrier.size(), 0u);
}

}  // namespace
}  // namespace tulle::mesh::barrier_test
