#include "node/core/token_bucket.hpp"

#include <gtest/gtest.h>

namespace tulle::node::token_bucket_test {
namespace {

constexpr Instant kStart{1000s};

TEST(TokenBucket, GivesASecondsWorthAtOnceAndThenByTheRate) {
    TokenBucket bucket;
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(bucket.take(kStart, 1, 3)) << i;
    }
    EXPECT_FALSE(bucket.take(kStart, 1, 3));
    EXPECT_EQ(bucket.left(), 0U);
    EXPECT_FALSE(bucket.take(kStart + 330ms, 1, 3));
    EXPECT_TRUE(bucket.take(kStart + 334ms, 1, 3));
    EXPECT_FALSE(bucket.take(kStart + 400ms, 1, 3));
    EXPECT_TRUE(bucket.take(kStart + 100s, 1, 3));
    EXPECT_EQ(bucket.left(), 2U) << "a rest saves up no more than a second's worth";
}

TEST(TokenBucket, TellsHowLongToWait) {
    TokenBucket bucket;
    EXPECT_TRUE(bucket.take(kStart, 10, 10));
    EXPECT_FALSE(bucket.take(kStart, 5, 10));
    EXPECT_NEAR(std::chrono::duration<double>(bucket.wait_for(5, 10)).count(), 0.5, 1e-6);
    EXPECT_FALSE(bucket.take(kStart + 499ms, 5, 10));
    EXPECT_TRUE(bucket.take(kStart + 500ms, 5, 10));
    EXPECT_EQ(bucket.wait_for(5, 0), 3600s) << "a rate of nothing does not overflow";
}

TEST(TokenBucket, TakesMoreThanASecondsWorthWhenFullAndKeepsTheRateAfterwards) {
    TokenBucket bucket;
    EXPECT_TRUE(bucket.take(kStart, 10, 4));
    EXPECT_FALSE(bucket.take(kStart + 1s, 1, 4)) << "it owes 6, and has got 4 back";
    EXPECT_FALSE(bucket.take(kStart + 1700ms, 1, 4));
    EXPECT_TRUE(bucket.take(kStart + 1750ms, 1, 4));
    EXPECT_FALSE(bucket.take(kStart + 2s, 10, 4)) << "it is not full";
}

TEST(TokenBucket, FollowsARateThatChanges) {
    TokenBucket bucket;
    EXPECT_TRUE(bucket.take(kStart, 1, 100));
    EXPECT_TRUE(bucket.take(kStart, 1, 2)) << "holds no more than a second's worth of the new rate";
    EXPECT_TRUE(bucket.take(kStart, 1, 2));
    EXPECT_EQ(bucket.left(), 0U);
    EXPECT_FALSE(bucket.take(kStart, 1, 2));
    EXPECT_TRUE(bucket.take(kStart + 10ms, 1, 100));
}

}  // namespace
}  // namespace tulle::node::token_bucket_test
