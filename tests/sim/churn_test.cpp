#include "tests/sim/churn.hpp"

#include <gtest/gtest.h>

#include "tests/sim/checkers.hpp"

/// P1 and P7 while subscriptions come and go faster than the log of interest is long.
namespace tulle::sim::churn_test {
namespace {

constexpr std::uint64_t kHeld = 300;
/// Some dozens of round trips, each of 1 ms and the turns of both hubs.
constexpr Duration kPatience = 500ms;

class ChurnTest : public testing::Test {
protected:
    /// Small, so that a second of churn is worth a thousand logs.
    static WorldOptions options() {
        WorldOptions options{.seed = 11, .hosts = 4};
        options.limits.interest_log = 64;
        options.limits.interest_window = 32;
        options.limits.interest_bytes = 512;
        return options;
    }

    void start() {
        for (HostId host = 0; host < 3; ++host) {
            world_.start(host, {0, 1, 2}, "n" + std::to_string(host));
        }
        world_.run_for(3s);
        for (std::uint64_t i = 0; i < kHeld; ++i) {
            world_.subscribe(0, mesh::ShardIndex{1}, "app/held" + std::to_string(i));
        }
        world_.run_for(1s);
    }

    /// Clients subscribe every 50 ms at various nodes, and are confirmed in time; nothing piles up.
    void probe(Duration time) {
        const Instant end = world_.now() + time;
        while (world_.now() < end) {
            const std::string channel = "app/probe" + std::to_string(++probes_);
            const HostId host = probes_ % 2;
            world_.subscribe(host, mesh::ShardIndex{1}, channel);
            world_.run_for(50ms);
            for (HostId each = 0; each < 2; ++each) {
                const auto pending = world_.process(each)->edge.longest_pending();
                ASSERT_TRUE(!pending || world_.now() - pending->second <= kPatience)
                    << pending->first << " is not confirmed";
            }
            const mesh::MeshNode::MemoryUse use = world_.process(0)->node->memory_use();
            ASSERT_LE(use.interest, kHeld + probes_ + 3 * kLoad.lag + options().limits.interest_window);
            ASSERT_LE(use.waiting, probes_ + kLoad.lag + 1);
        }
    }

    static constexpr Churn::Load kLoad{};
    World world_{options()};
    std::uint64_t probes_ = 0;
};

TEST_F(ChurnTest, HoldsUpNobodysSubscription) {
    start();
    Churn churn(world_, 0, kLoad);
    churn.start(world_.now() + 3s);
    probe(3s);
    EXPECT_GT(churn.changes(), 50'000u);
    world_.run_for(1s);
    EXPECT_EQ(world_.process(0)->node->memory_use().interest_pending, 0u);
    EXPECT_EQ(world_.process(0)->node->memory_use().waiting, 0u);
    check_views(world_);
    check_canaries(world_);
    EXPECT_TRUE(world_.violations().empty()) << world_.violations().front();
}

TEST_F(ChurnTest, LetsANewcomerHaveTheWholeInterest) {
    start();
    Churn churn(world_, 0, kLoad);
    churn.start(world_.now() + 4s);
    world_.run_for(500ms);
    world_.start(3, {0, 1, 2}, "n3");
    const Instant started = world_.now();
    while (!world_.process(3)->node->ready() && world_.now() - started < 5s) {
        world_.run_for(20ms);
    }
    EXPECT_LT(world_.now() - started, 1500ms) << "the gate opens after 2 s in any case, without the interest";
    EXPECT_TRUE(world_.process(3)->node->interest_of(world_.process(0)->oid).has_value());
    probe(2s);
    world_.run_for(2s);
    check_views(world_);
    EXPECT_TRUE(world_.violations().empty()) << world_.violations().front();
}

TEST_F(ChurnTest, ASleepingPeerDelaysSubscriptionsByItsVerdictAndNoMore) {
    start();
    Churn churn(world_, 0, kLoad);
    churn.start(world_.now() + 8s);
    world_.run_for(200ms);
    world_.freeze(2);
    world_.run_for(3s);  // dead after 2.5 s at the latest
    probe(1s);
    world_.thaw(2);
    world_.run_for(2s);
    probe(1s);
    world_.run_for(3s);
    check_views(world_);
    EXPECT_TRUE(world_.violations().empty()) << world_.violations().front();
}

}  // namespace
}  // namespace tulle::sim::churn_test
