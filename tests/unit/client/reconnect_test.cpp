#include "client/core/reconnect.hpp"

#include <gtest/gtest.h>

namespace tulle::client::reconnect_test {
namespace {

constexpr Instant kStart{1h};

ReconnectPolicy policy(std::size_t servers, std::uint64_t seed = 1) {
    return ReconnectPolicy(servers, ReconnectConfig{100ms, 1s, 10s}, Prng(seed));
}

TEST(Reaction, FollowsTheRangesOfTheProtocol) {
    EXPECT_EQ(reaction_to(std::nullopt), Reaction::kRetry);
    EXPECT_EQ(reaction_to(1000), Reaction::kRetry);
    EXPECT_EQ(reaction_to(1002), Reaction::kBackoff);
    EXPECT_EQ(reaction_to(1004), Reaction::kBackoff);
    EXPECT_EQ(reaction_to(1006), Reaction::kRetry);
    EXPECT_EQ(reaction_to(3999), Reaction::kRetry);
    EXPECT_EQ(reaction_to(4000), Reaction::kFatal);
    EXPECT_EQ(reaction_to(4099), Reaction::kFatal);
    EXPECT_EQ(reaction_to(4100), Reaction::kBackoff);
    EXPECT_EQ(reaction_to(4199), Reaction::kBackoff);
    EXPECT_EQ(reaction_to(4200), Reaction::kAtOnce);
    EXPECT_EQ(reaction_to(4299), Reaction::kAtOnce);
    EXPECT_EQ(reaction_to(4300), Reaction::kFatal);
}

TEST(Reconnect, TriesTheServersInTheirOrderRoundAndRound) {
    ReconnectPolicy reconnect = policy(3);
    EXPECT_EQ(reconnect.first(kStart), (Attempt{0, kStart}));
    EXPECT_EQ(reconnect.after_failure(kStart, Reaction::kRetry).server, 1u);
    EXPECT_EQ(reconnect.after_failure(kStart, Reaction::kRetry).server, 2u);
    EXPECT_EQ(reconnect.after_failure(kStart, Reaction::kRetry).server, 0u);
}

TEST(Reconnect, WaitsARandomTimeBelowACeilingThatDoublesWithEveryRoundUpToTheCap) {
    const Duration ceilings[] = {100ms, 100ms, 200ms, 200ms, 400ms, 400ms, 800ms, 800ms, 1s, 1s, 1s, 1s};
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        ReconnectPolicy reconnect = policy(2, seed);
        for (const Duration ceiling : ceilings) {
            const Duration wait = reconnect.after_failure(kStart, Reaction::kRetry).at - kStart;
            EXPECT_GE(wait, Duration::zero());
            EXPECT_LT(wait, ceiling);
        }
    }
}

TEST(Reconnect, DoesNotLetAllClientsComeAtTheSameTime) {
    const Instant one = policy(1, 1).after_failure(kStart, Reaction::kRetry).at;
    const Instant other = policy(1, 2).after_failure(kStart, Reaction::kRetry).at;
    EXPECT_NE(one, other);
}

TEST(Reconnect, KeepsAwayForTheShortestDelayAtLeastWhenTheServerIsOverloaded) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        const Duration wait = policy(2, seed).after_failure(kStart, Reaction::kBackoff).at - kStart;
        EXPECT_GE(wait, 100ms);
        EXPECT_LT(wait, 200ms);
    }
}

TEST(Reconnect, ComesBackAtOnceForOneRoundOnly) {
    ReconnectPolicy reconnect = policy(2);
    EXPECT_EQ(reconnect.after_failure(kStart, Reaction::kAtOnce), (Attempt{1, kStart}));
    EXPECT_EQ(reconnect.after_failure(kStart, Reaction::kAtOnce), (Attempt{0, kStart}));
    EXPECT_GT(reconnect.after_failure(kStart, Reaction::kAtOnce).at, kStart);
}

TEST(Reconnect, ForgetsFailuresAfterAStableConnectionOnly) {
    ReconnectPolicy reconnect = policy(1);
    EXPECT_EQ(reconnect.after_failure(kStart, Reaction::kAtOnce).at, kStart);
    reconnect.on_connected(kStart);
    EXPECT_GT(reconnect.after_failure(kStart + 9s, Reaction::kAtOnce).at, kStart + 9s);
    reconnect.on_connected(kStart + 10s);
    EXPECT_EQ(reconnect.after_failure(kStart + 20s, Reaction::kAtOnce).at, kStart + 20s);
}

}  // namespace
}  // namespace tulle::client::reconnect_test
