#include "mesh/core/session/join_gate.hpp"

#include <gtest/gtest.h>

namespace tulle::mesh::join_gate_test {
namespace {

constexpr Instant kStart{10s};
constexpr OriginId kA{1};

TEST(JoinGate, OpensAtOnceForAFirstNodeWithoutSeeds) {
    JoinGate gate(2s);
    EXPECT_TRUE(gate.try_open(kStart, [](OriginId) { return false; }));
}

TEST(JoinGate, WaitsForTheSeedAndForEveryMemberThatWasNamed) {
    JoinGate gate(2s);
    bool holds = false;
    const auto held = [&](OriginId) { return holds; };
    gate.expect_seed(kStart, "s:1");
    EXPECT_FALSE(gate.try_open(kStart, held));
    gate.named(kStart, kA);
    gate.seed_settled("s:1");
    EXPECT_FALSE(gate.try_open(kStart, held));
    holds = true;
    EXPECT_TRUE(gate.try_open(kStart, held));
}

TEST(JoinGate, GivesEachItsTimeAndNoMore) {
    JoinGate gate(2s);
    const auto never = [](OriginId) { return false; };
    gate.expect_seed(kStart, "s:1");
    gate.named(kStart + 1s, kA);
    EXPECT_EQ(gate.next_deadline(), kStart + 2s);
    EXPECT_FALSE(gate.try_open(kStart + 2s, never));
    EXPECT_TRUE(gate.try_open(kStart + 3s, never));
}

TEST(JoinGate, StaysOpen) {
    JoinGate gate(2s);
    const auto never = [](OriginId) { return false; };
    EXPECT_TRUE(gate.try_open(kStart, never));
    gate.named(kStart, kA);
    EXPECT_TRUE(gate.try_open(kStart, never));
}

TEST(JoinGate, DoesNotWaitForTheDead) {
    JoinGate gate(2s);
    gate.named(kStart, kA);
    gate.member_gone(kA);
    EXPECT_TRUE(gate.try_open(kStart, [](OriginId) { return false; }));
}

}  // namespace
}  // namespace tulle::mesh::join_gate_test
