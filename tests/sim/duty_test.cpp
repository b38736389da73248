#include <gtest/gtest.h>

#include "tests/sim/checkers.hpp"
#include "tests/sim/scenario.hpp"
#include "tests/sim/world.hpp"

namespace tulle::sim::duty_test {
namespace {

constexpr std::size_t kHosts = 5;
constexpr mesh::ShardIndex kShard{0};

/// Counts and orders at random, every few milliseconds, on the running nodes.
void keep_busy(World& world, Instant until) {
    world.scheduler().after(Duration{static_cast<Duration::rep>(world.prng().below(20'000'000))}, [&world, until] {
        if (world.now() >= until) {
            return;
        }
        const HostId host = world.prng().below(kHosts);
        const DutyLedger::Item item{"app/d" + std::to_string(world.prng().below(20)), "i"};
        if (world.process(host) != nullptr && world.prng().chance(70)) {
            world.count(host, kShard, item, world.prng().below(3));
        } else if (world.process(host) != nullptr) {
            world.order(host, item.first);
        }
        keep_busy(world, until);
    });
}

/// Runs five nodes for ten busy seconds on a network that loses a tenth of the control messages. The last `late` nodes
/// join in the meantime.
void run_noisy(World& world, std::size_t late) {
    for (HostId a = 0; a < kHosts; ++a) {
        for (HostId b = 0; b < kHosts; ++b) {
            if (a != b) {
                world.network().alter(a, b).control_loss_percent = 10;
            }
        }
    }
    for (HostId host = 0; host < kHosts; ++host) {
        const Duration pause = host < kHosts - late ? 0ms : host * 2s;
        world.scheduler().after(pause, [&world, host] { world.start(host, {0, 1}, "n" + std::to_string(host)); });
    }
    world.let_duties_take(200ms, 500ms);
    world.run_for(3s);
    keep_busy(world, world.now() + 10s);
    world.run_for(15s);
    Outcome outcome;
    check_duties(world, outcome);
}

TEST(DutySim, EachChangeIsToldOnceInAStandingMesh) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        World world(WorldOptions{.seed = seed, .hosts = kHosts});
        run_noisy(world, 0);
        EXPECT_TRUE(world.violations().empty()) << "seed " << seed << ": " << world.violations().front();
        EXPECT_TRUE(world.ledger().calm()) << "seed " << seed;
        EXPECT_GT(world.ledger().events(), 100u);
    }
}

TEST(DutySim, WhileNodesJoinWhatIsToldInTheEndIsTrue) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        World world(WorldOptions{.seed = seed, .hosts = kHosts});
        // A change under way when a duty moves may be told twice.
        world.ledger().disturbed();
        run_noisy(world, 2);
        EXPECT_TRUE(world.violations().empty()) << "seed " << seed << ": " << world.violations().front();
        EXPECT_GT(world.ledger().events(), 100u);
    }
}

/// Runs five nodes on a network that loses control messages: five busy seconds, then rest.
void be_busy_and_rest(World& world) {
    for (HostId a = 0; a < kHosts; ++a) {
        for (HostId b = 0; b < kHosts; ++b) {
            if (a != b) {
                world.network().alter(a, b).control_loss_percent = 5;
            }
        }
    }
    for (HostId host = 0; host < kHosts; ++host) {
        world.start(host, {0, 1}, "n" + std::to_string(host));
    }
    world.let_duties_take(20ms, 100ms);
    world.run_for(3s);
    keep_busy(world, world.now() + 5s);
    world.run_for(8s);
}

/// Lets all living nodes leave at moments drawn within `within`.
void leave_all(World& world, Duration within) {
    for (HostId host = 0; host < kHosts; ++host) {
        const Duration pause{
            static_cast<Duration::rep>(world.prng().below(static_cast<std::uint64_t>(within.count())))};
        world.scheduler().after(pause, [&world, host] {
            if (world.process(host) != nullptr) {
                world.leave(host);
            }
        });
    }
    world.run_for(within + 8s);
}

void expect_all_told(World& world, std::uint64_t seed) {
    for (HostId host = 0; host < kHosts; ++host) {
        EXPECT_EQ(world.process(host), nullptr) << "seed " << seed << ": n" << host << " is still there";
    }
    for (const auto& [item, told] : world.ledger().told()) {
        EXPECT_EQ(told, 0u) << "seed " << seed << ": " << item.first;
    }
    for (const auto& [body, task] : world.ledger().tasks()) {
        EXPECT_GT(task.performed, 0u) << "seed " << seed << ": task " << body;
    }
    EXPECT_GT(world.ledger().told().size(), 5u);
}

TEST(DutySim, NodesThatAllLeaveTellThatNothingIsLeft) {
    for (const Duration within : {Duration(1ns), Duration(2ms), Duration(200ms), Duration(3s)}) {
        for (std::uint64_t seed = 1; seed <= 25; ++seed) {
            World world(WorldOptions{.seed = seed, .hosts = kHosts});
            be_busy_and_rest(world);
            const std::uint64_t before = world.ledger().events();
            leave_all(world, within);
            expect_all_told(world, seed);
            const std::size_t items = world.ledger().told().size();
            EXPECT_LE(world.ledger().events() - before, 4 * items)
                << "seed " << seed << ": what moves may be told again, not for ever";
        }
    }
}

TEST(DutySim, TheLastNodesToLeaveTellForTheDeadToo) {
    for (std::uint64_t seed = 1; seed <= 25; ++seed) {
        World world(WorldOptions{.seed = seed, .hosts = kHosts});
        be_busy_and_rest(world);
        world.kill(0);
        world.run_for(Duration{static_cast<Duration::rep>(world.prng().below(2'000'000'000))});
        leave_all(world, 200ms);
        expect_all_told(world, seed);
    }
}

class DutyCheckers : public testing::Test {
protected:
    bool violates() const {
        return !world_.violations().empty() && world_.violations().front().find("P9") != std::string::npos;
    }
    World world_{WorldOptions{.seed = 7, .hosts = 3}};
    Outcome outcome_;
};

TEST_F(DutyCheckers, FindACountThatNobodyTold) {
    world_.start(0, {1}, "n0");
    world_.run_for(3s);
    world_.process(0)->clerk.count(kShard, {"app/a", "i"}, 3);
    check_duties(world_, outcome_);
    EXPECT_TRUE(violates());
}

TEST_F(DutyCheckers, ExemptWhatWasSaidByOneThatDiedBeforeItMetTheOthersAgain) {
    const DutyLedger::Item item{"app/a", "i"};
    constexpr OriginId kSpeaker{1};
    constexpr OriginId kOther{2};
    DutyLedger& ledger = world_.ledger();
    ledger.dealt_with(item, 3, {kSpeaker, Instant{5s}, {kOther}, false});
    ledger.ended(kSpeaker, {{kOther, Instant{6s}}}, {kOther});
    EXPECT_FALSE(ledger.is_lost(item)) << "they have met";
    ledger.ended(kSpeaker, {{kOther, Instant{4s}}}, {});
    EXPECT_FALSE(ledger.is_lost(item)) << "the other has died as well";
    ledger.ended(kOther, {}, {kSpeaker});
    EXPECT_FALSE(ledger.is_lost(item)) << "the speaker lives";
    check_duties(world_, outcome_);
    EXPECT_TRUE(violates());
    ledger.ended(kSpeaker, {{kOther, Instant{4s}}}, {kOther});
    EXPECT_TRUE(ledger.is_lost(item));
    const std::size_t before = world_.violations().size();
    check_duties(world_, outcome_);
    EXPECT_EQ(world_.violations().size(), before);
    ledger.dealt_with(item, 3, {kSpeaker, Instant{7s}, {}, false});
    EXPECT_FALSE(ledger.is_lost(item)) << "another word";
}

TEST_F(DutyCheckers, RememberTheChangesSinceTheLastWord) {
    const DutyLedger::Item item{"app/a", "i"};
    world_.ledger().changed(Instant{1s}, item);
    world_.ledger().changed(Instant{2s}, item);
    world_.ledger().dealt_with(item, 3, {});
    world_.ledger().changed(Instant{3s}, item);
    world_.ledger().changed(Instant{4s}, item);
    EXPECT_EQ(world_.ledger().changes(item), (std::vector<Instant>{Instant{2s}, Instant{3s}, Instant{4s}}));
}

TEST_F(DutyCheckers, FindATaskThatWasNeverDoneAndOneDoneTwice) {
    world_.start(0, {1}, "n0");
    world_.ledger().ordered(world_.process(0)->oid, "task");
    check_duties(world_, outcome_);
    EXPECT_TRUE(violates());
    std::string said;
    world_.ledger().performed("task", [&](const std::string& what) { said = what; });
    EXPECT_EQ(said, "");
    world_.ledger().performed("task", [&](const std::string& what) { said = what; });
    EXPECT_NE(said, "");
}

TEST_F(DutyCheckers, FindWhatIsToldTwiceOrWithoutNeed) {
    std::string said;
    const auto hear = [&](const std::string& what) { said = what; };
    EXPECT_FALSE(world_.ledger().asked({2, "app/a", "i", nullptr, 0, 3}, hear));
    EXPECT_EQ(said, "");
    world_.ledger().dealt_with({"app/a", "i"}, 3, {});
    EXPECT_FALSE(world_.ledger().asked({4, "app/a", "i", nullptr, 0, 3}, hear));
    EXPECT_NE(said, "");
    said.clear();
    EXPECT_FALSE(world_.ledger().asked({4, "app/a", "i", nullptr, 3, 3}, hear));
    EXPECT_NE(said, "");
}

TEST_F(DutyCheckers, ExcuseOneRepeatedWordAfterAMoveOfTheDuty) {
    std::string said;
    const auto hear = [&](const std::string& what) { said = what; };
    world_.ledger().dealt_with({"app/a", "i"}, 3, {});
    world_.ledger().moved_under_way({"app/a", "i"});
    EXPECT_TRUE(world_.ledger().asked({4, "app/a", "i", nullptr, 0, 3}, hear));
    EXPECT_EQ(said, "");
    EXPECT_FALSE(world_.ledger().asked({6, "app/a", "i", nullptr, 0, 3}, hear));
    EXPECT_NE(said, "") << "once";
}

}  // namespace
}  // namespace tulle::sim::duty_test
