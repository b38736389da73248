#include "mesh/core/barrier.hpp"

#include <gtest/gtest.h>

namespace tulle::mesh {
namespace {

TEST(Barrier, ReleasesWhatEveryMemberHasAcknowledged) {
    Barrier barrier;
    barrier.wait(InterestVersion{3}, {ShardIndex{0}, {"c", 1, nullptr}, false});
    barrier.wait(InterestVersion{2}, {ShardIndex{1}, {"b", 1, nullptr}, false});
    barrier.wait(InterestVersion{2}, {ShardIndex{0}, {"b", 2, nullptr}, false});
    EXPECT_TRUE(barrier.release(InterestVersion{1}).empty());
    const auto released = barrier.release(InterestVersion{2});
    ASSERT_EQ(released.size(), 2u);
    EXPECT_EQ(released[0].shard, ShardIndex{1});
    EXPECT_EQ(released[1].answer.generation, 2u);
    EXPECT_FALSE(barrier.empty());
    EXPECT_EQ(barrier.release(InterestVersion{9}).size(), 1u);
    EXPECT_TRUE(barrier.empty());
    EXPECT_EQ(barrier.waits(), 3u);
}

}  // namespace
}  // namespace tulle::mesh
