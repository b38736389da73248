#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/checkers.hpp"
#include "tests/sim/scenario.hpp"
#include "tests/sim/world.hpp"

// Each checker is broken on purpose here, to see that the checker can fail.
namespace tulle::sim::sim_test {
namespace {

/// A mesh of three nodes that know each other, with six seconds to become whole.
class SimTest : public testing::Test {
protected:
    void start(Planted planted = Planted::kNone) {
        world_ = std::make_unique<World>(WorldOptions{.seed = 7, .hosts = 3, .planted = planted});
        for (HostId host = 0; host < 3; ++host) {
            world_->start(host, {0, 1, 2}, "n" + std::to_string(host));
        }
        world_->run_for(6s);
    }

    /// True when a violation with this text was found.
    [[nodiscard]] bool violates(const std::string& promise) const {
        return std::any_of(world_->violations().begin(), world_->violations().end(),
                           [&](const std::string& what) { return what.find(promise) != std::string::npos; });
    }

    std::unique_ptr<World> world_;
};

TEST_F(SimTest, AllIsWellWhenNothingHappens) {
    start();
    check_views(*world_);
    check_canaries(*world_);
    EXPECT_TRUE(world_->violations().empty()) << world_->violations().front();
}

TEST_F(SimTest, FindsAKilledOneThatIsStillBelievedIn) {
    start();
    // The process lives on, so nobody can find a death.
    world_->liveness().killed(1);
    world_->run_for(2s);
    EXPECT_TRUE(violates("P5")) << "nobody noticed";
}

TEST_F(SimTest, FindsAVerdictOnOneWhoIsHeard) {
    start(Planted::kOldPipe);
    world_->network().reset(0, 1);
    world_->run_for(2s);
    EXPECT_TRUE(violates("P5"));
}

TEST_F(SimTest, ARebindThatWasAnnouncedIsNobodysDeath) {
    start();
    for (HostId host = 0; host < 3; ++host) {
        world_->change_key(host);
    }
    world_->run_for(10s);
    check_views(*world_);
    check_canaries(*world_);
    EXPECT_TRUE(world_->violations().empty()) << world_->violations().front();
    for (HostId host = 0; host < 3; ++host) {
        EXPECT_EQ(world_->process(host)->deaths, 0U) << "host " << host;
        EXPECT_EQ(world_->process(host)->sessions, 2U) << "every session has stood all the time";
    }
}

TEST_F(SimTest, FindsARebindThatNobodyWasToldOf) {
    start();
    world_->network().rebind(1);
    world_->run_for(2s);
    EXPECT_TRUE(violates("P5")) << "a refusal was no death";
}

/// How long host 0 takes, after a thaw, to have sessions with all, when one control message in ten is lost.
Duration thaw_on_a_lossy_network(std::uint64_t seed) {
    World world(WorldOptions{.seed = seed, .hosts = 4});
    for (HostId host = 0; host < 4; ++host) {
        world.start(host, {0, 1}, "n" + std::to_string(host));
        for (HostId other = 0; other < 4; ++other) {
            if (other != host) {
                world.network().alter(host, other).control_loss_percent = 10;
            }
        }
    }
    world.run_for(4s);
    world.freeze(0);
    world.run_for(4s);
    world.thaw(0);
    const Instant thawed = world.now();
    const auto sees = [&](HostId a, HostId b) {
        const mesh::Peer* peer = world.process(a)->node->membership().find(world.process(b)->oid);
        return peer != nullptr && peer->in_session();
    };
    const auto whole = [&] { return sees(1, 0) && sees(2, 0) && sees(3, 0) && sees(0, 1) && sees(0, 2) && sees(0, 3); };
    // By then host 0 has found out: the others have given host 0 up.
    world.run_for(100ms);
    while (!whole() && world.now() - thawed < 10s) {
        world.run_for(50ms);
    }
    return world.now() - thawed;
}

TEST_F(SimTest, ALostMessageDelaysASessionByARetryNotByAWholeAttempt) {
    // Two crossing Hellos cost a further retry (250 ms), as a side waits for the answer to its own Hello. An attempt
    // lasts 2 s.
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        EXPECT_LE(thaw_on_a_lossy_network(seed), 1750ms) << "seed " << seed;
    }
}

TEST_F(SimTest, SeesDeathsAndLongFreezesInTimeAndShortOnesNotAtAll) {
    start();
    world_->freeze(2);
    world_->run_for(900ms);
    world_->thaw(2);
    world_->run_for(5s);
    EXPECT_EQ(world_->liveness().verdicts(), 0u);
    world_->freeze(1);
    world_->run_for(4s);
    ASSERT_EQ(world_->liveness().silences().size(), 2u);
    EXPECT_LE(world_->liveness().silences().front(), 2600ms);
    world_->thaw(1);
    world_->run_for(5s);
    world_->kill(2);
    world_->run_for(2s);
    ASSERT_EQ(world_->liveness().kills().size(), 2u);
    EXPECT_LE(world_->liveness().kills().front(), 500ms);
    EXPECT_TRUE(world_->violations().empty()) << world_->violations().front();
}

TEST(Bounds, FindsAStoreOverItsLimit) {
    const mesh::Limits limits;
    EXPECT_FALSE(over_bounds({.ring = limits.ring_bytes, .held = limits.hold_bytes}, limits));
    EXPECT_TRUE(over_bounds({.ring = limits.ring_bytes + 4096}, limits));
    EXPECT_TRUE(over_bounds({.unreceipted = limits.credit_bytes + 2 * limits.frame_bytes}, limits));
    EXPECT_TRUE(over_bounds({.held = limits.hold_bytes + 4096}, limits));
    EXPECT_TRUE(over_bounds({.receive_ring = limits.receive_ring_bytes + 4096}, limits));
    EXPECT_TRUE(over_bounds({.interest = 10'000}, limits));
    EXPECT_TRUE(over_bounds({.interest_pending = 10'000}, limits));
    EXPECT_TRUE(over_bounds({.waiting = 10'000}, limits));
}

TEST_F(SimTest, FindsALinkThatIsDeafOnData) {
    start();
    world_->network().alter(0, 1).mute = true;
    check_canaries(*world_);
    EXPECT_TRUE(violates("P8"));
}

TEST_F(SimTest, FindsALinkThatIsDeafOnControl) {
    start();
    world_->network().alter(0, 1).control_loss_percent = 100;
    check_canaries(*world_);
    EXPECT_TRUE(violates("on control"));
}

TEST_F(SimTest, KnowsSinceWhenDataPasses) {
    start();
    Network& network = world_->network();
    const auto passes = [&] { return network.data_passes_since(0, 1, world_->now() - 1s); };
    EXPECT_TRUE(passes());
    network.mute(0, 1, true);
    EXPECT_FALSE(passes());
    network.mute(0, 1, false);
    EXPECT_FALSE(passes()) << "just now";
    world_->run_for(1s);
    EXPECT_TRUE(passes());
    network.reset(0, 1);
    EXPECT_FALSE(passes());
    world_->run_for(1s);
    EXPECT_FALSE(passes()) << "it was subscribed anew within that second";
    world_->run_for(1s);
    EXPECT_TRUE(passes());
}

TEST_F(SimTest, KnowsSinceWhenHeartbeatsAreNotAnswered) {
    start();
    Network& network = world_->network();
    EXPECT_FALSE(network.unanswered_beats(0, 1, 1s));
    network.alter(0, 1).control_loss_percent = 100;
    world_->run_for(1500ms);
    EXPECT_FALSE(network.unanswered_beats(0, 1, 2s));
    world_->run_for(1s);
    EXPECT_TRUE(network.unanswered_beats(0, 1, 2s));
    EXPECT_TRUE(network.unanswered_on_control(0, 1, 2s));
}

/// P10: hosts 1 and 2 do not see each other, so neither is a keeper for the other. Host 0 sees both.
TEST_F(SimTest, AKeeperThatTheOriginDoesNotSeeIsGivenTheEventByWhoSeesBoth) {
    start();
    world_->network().alter(1, 2).control_loss_percent = 100;
    world_->network().alter(2, 1).control_loss_percent = 100;
    world_->run_for(8s);
    world_->publish_retained(1, cache_channel(0));
    world_->run_for(500ms);
    const auto holds = [&](HostId host) {
        return world_->process(host)->node->retained().find(world_->now(), cache_channel(0)) != nullptr;
    };
    EXPECT_TRUE(holds(0));
    EXPECT_TRUE(holds(2));
}

/// P10: the last heartbeat of host 1 that came names the members of host 0, from before host 2 came.
TEST_F(SimTest, AKeeperThatCameWhenTheOriginWasDeafIsGivenTheEventByWhoSeesBoth) {
    start();
    world_->kill(2);
    world_->run_for(12s);
    for (const HostId other : {HostId{0}, HostId{2}}) {
        world_->network().alter(1, other).control_loss_percent = 100;
        world_->network().alter(other, 1).control_loss_percent = 100;
    }
    world_->run_for(500ms);
    world_->start(2, {0, 1, 2}, "n2");
    world_->run_for(200ms);
    world_->publish_retained(1, cache_channel(0));
    world_->run_for(500ms);
    EXPECT_NE(world_->process(2)->node->retained().find(world_->now(), cache_channel(0)), nullptr);
}

/// A client of host 1, to which host 0 says nothing for two seconds, without any fault announced to the judge.
class Deliveries : public SimTest {
protected:
    void miss_one() {
        start();
        world_->subscribe(1, mesh::ShardIndex{0}, "app/c");
        world_->run_for(1s);
        world_->network().alter(0, 1).mute = true;
        world_->publish(0, "app/c");
        world_->run_for(2s);
    }
    bool judge(const std::string& what) {
        Outcome outcome;
        check_deliveries(*world_, outcome);
        return violates(what);
    }
};

TEST_F(Deliveries, FindWhatAClientThatHasGoneDidNotGet) {
    miss_one();
    world_->unsubscribe(1, mesh::ShardIndex{0}, "app/c");
    world_->network().alter(0, 1).mute = false;
    world_->run_for(3s);
    EXPECT_TRUE(judge("gone since, was neither given nor told"));
}

TEST_F(Deliveries, FindWhatAClientOfADeadNodeDidNotGet) {
    miss_one();
    world_->kill(1);
    EXPECT_TRUE(judge("gone since, was neither given nor told"));
}

TEST_F(Deliveries, FindWhatCameLate) {
    miss_one();
    EXPECT_TRUE(world_->violations().empty());
    world_->network().alter(0, 1).mute = false;
    world_->run_for(3s);
    EXPECT_TRUE(judge("got late"));
}

TEST_F(Deliveries, MayBeLateWhileThereIsAFault) {
    start();
    world_->faulty(3s);
    world_->subscribe(1, mesh::ShardIndex{0}, "app/c");
    world_->run_for(1s);
    world_->network().alter(0, 1).mute = true;
    world_->publish(0, "app/c");
    world_->run_for(2s);
    world_->network().alter(0, 1).mute = false;
    world_->run_for(3s);
    EXPECT_FALSE(judge("P1"));
}

TEST(Gaps, AreAboutOneOriginAndNothingThatCameAfterThem) {
    const Client::Gap gap{.at = Instant{10s}, .origin = OriginId{1}, .upto = mesh::RecordNo{7}};
    EXPECT_TRUE(gap.may_be(OriginId{1}, mesh::RecordNo{7}, Instant{10s}));
    EXPECT_FALSE(gap.may_be(OriginId{2}, mesh::RecordNo{7}, Instant{10s}));
    EXPECT_FALSE(gap.may_be(OriginId{1}, mesh::RecordNo{8}, Instant{10s}));
    EXPECT_FALSE(gap.may_be(OriginId{1}, mesh::RecordNo{7}, Instant{11s}));
}

/// A client that misses a message for good is told of a gap.
class Announced : public Deliveries {
protected:
    void miss_one_and_tell(HostId of, bool named, std::uint64_t missing) {
        miss_one();
        world_->publish(0, "app/c");
        world_->run_for(1s);
        Process& process = *world_->process(1);
        process.edge.on_gap(mesh::ShardIndex{0}, "app/c",
                            {world_->now(), world_->process(of)->oid, {}, named, missing});
    }
};

TEST_F(Announced, TheGapOfAnotherExcusesNothing) {
    miss_one_and_tell(2, false, 0);
    EXPECT_TRUE(judge("was neither given nor told"));
}

TEST_F(Announced, AGapExcusesNoMoreThanItSays) {
    miss_one_and_tell(0, true, 1);
    EXPECT_TRUE(judge("was neither given nor told"));
}

TEST_F(Announced, AGapThatSaysAllOfItExcusesIt) {
    miss_one();
    world_->process(1)->edge.on_gap(mesh::ShardIndex{0}, "app/c",
                                    {world_->now() - 1s, world_->process(0)->oid, {}, true, 1});
    EXPECT_FALSE(judge("P1"));
}

TEST_F(Announced, AGapThatIsToldLateIsFound) {
    miss_one();
    world_->process(1)->edge.on_gap(mesh::ShardIndex{0}, "app/c",
                                    {world_->now(), world_->process(0)->oid, {}, true, 1});
    EXPECT_TRUE(judge("was told late"));
}

TEST_F(SimTest, FindsALastEventThatClientsWhoHaveGoneWereNotGiven) {
    start();
    world_->subscribe_retained(1, mesh::ShardIndex{0}, cache_channel(0));
    world_->subscribe_retained(1, mesh::ShardIndex{1}, cache_channel(1));
    world_->run_for(1s);
    world_->network().alter(0, 1).mute = true;
    world_->publish_retained(0, cache_channel(0));
    world_->publish_retained(0, cache_channel(1));
    world_->run_for(1s);
    world_->unsubscribe_retained(1, mesh::ShardIndex{0}, cache_channel(0));
    EXPECT_TRUE(world_->violations().empty()) << "it was not due yet";
    world_->run_for(1s);
    world_->kill(1);
    EXPECT_TRUE(violates("P10"));
}

TEST_F(SimTest, SaysWhenTheLastCopyOfALastEventMayGo) {
    start();
    world_->publish_retained(0, cache_channel(0));
    world_->run_for(500ms);
    world_->kill(0);
    EXPECT_TRUE(world_->retained_losses().empty());
    world_->kill(1);
    world_->kill(2);
    ASSERT_EQ(world_->retained_losses().size(), 1u);
    EXPECT_EQ(world_->retained_losses().front().rule, "P10: accepted in the last second of its origin");
}

TEST_F(SimTest, FindsALastEventThatIsHandedOnByNobody) {
    start(Planted::kRetainedUnmoved);
    world_->publish_retained(0, cache_channel(0));
    world_->run_for(3s);
    for (const HostId host : {HostId{0}, HostId{1}}) {
        world_->kill(host);
        world_->start(host, {0, 1, 2}, "n" + std::to_string(host));
        // Nobody gives the newcomer the event, and the name of the process before is free again.
        world_->run_for(12s);
    }
    world_->kill(2);
    ASSERT_EQ(world_->retained_losses().size(), 1u);
    EXPECT_EQ(world_->retained_losses().front().rule, "") << "there were heirs";
    world_->start(2, {0, 1, 2}, "n2");
    world_->run_for(8s);
    Outcome outcome;
    check_retained(*world_, outcome);
    EXPECT_TRUE(violates("does not know the last event"));
}

TEST_F(Deliveries, OfALeaverAreDueToo) {
    start();
    world_->subscribe(1, mesh::ShardIndex{0}, "app/c");
    world_->run_for(1s);
    world_->network().alter(0, 1).mute = true;
    world_->publish(0, "app/c");
    world_->run_for(1ms);
    // The process claims to have left in order, though the other node has not got the message.
    world_->process(0)->left = true;
    world_->kill(0);
    world_->process(1)->edge.on_gap(mesh::ShardIndex{0}, "app/c",
                                    {world_->now(), world_->process(2)->oid, {}, false, 0});
    world_->run_for(8s);
    EXPECT_TRUE(judge("of the leaver"));
}

TEST_F(SimTest, FindsAUserThatIsSaidToHaveGoneAndHasNot) {
    start();
    world_->join(0, mesh::ShardIndex{0}, "app/presence-x", "u0");
    world_->join(1, mesh::ShardIndex{0}, "app/presence-x", "u1");
    world_->run_for(3s);
    EXPECT_FALSE(violates("P6"));
    world_->network().cut(0, 1);
    world_->network().cut(1, 0);
    world_->network().cut(0, 2);
    world_->network().cut(2, 0);
    world_->run_for(8s);
    EXPECT_TRUE(violates("has left app/presence-x, who is connected"));
}

TEST_F(SimTest, FindsAUserWhoIsListedLate) {
    start();
    watch_presence(*world_, world_->now() + 20s);
    world_->join(0, mesh::ShardIndex{0}, "app/presence-x", "u0");
    world_->join(1, mesh::ShardIndex{0}, "app/presence-x", "u1");
    world_->run_for(3s);
    EXPECT_TRUE(world_->violations().empty()) << world_->violations().front();
    world_->network().alter(0, 1).mute = true;
    world_->join(0, mesh::ShardIndex{1}, "app/presence-x", "u2");
    world_->run_for(3s);
    EXPECT_TRUE(violates("does not list u2"));
}

TEST_F(SimTest, FindsAUserWhoHasGoneAndIsStillListed) {
    start();
    watch_presence(*world_, world_->now() + 20s);
    world_->join(0, mesh::ShardIndex{0}, "app/presence-x", "u0");
    world_->join(1, mesh::ShardIndex{0}, "app/presence-x", "u1");
    world_->run_for(3s);
    world_->network().alter(0, 1).mute = true;
    world_->part(0, mesh::ShardIndex{0}, "app/presence-x", "u0");
    world_->run_for(3s);
    EXPECT_TRUE(violates("still lists u0"));
}

TEST(Replay, TheSameSeedIsTheSameRunEventByEvent) {
    const Outcome once = run_seed(3, false);
    const Outcome again = run_seed(3, false);
    EXPECT_EQ(once.hash, again.hash);
    EXPECT_EQ(once.events, again.events);
    EXPECT_NE(once.hash, run_seed(4, false).hash);
}

TEST(Clocks, LocalAndGlobalTimeAreInverse) {
    Process process;
    process.started = Instant{1000s};
    for (const std::int64_t ppm : {-20'000, -1, 0, 1, 777, 20'000}) {
        process.clock_ppm = ppm;
        Instant last = process.started;
        for (Duration age = 0ms; age < 100s; age += 1'234'567ns) {
            const Instant local = World::local_time(process, process.started + age);
            ASSERT_GE(local, last);
            last = local;
            ASSERT_LE(World::global_time(process, local) - (process.started + age), 1ns);
            ASSERT_GE(World::local_time(process, World::global_time(process, local)), local);
        }
    }
}

}  // namespace
}  // namespace tulle::sim::sim_test
