#include <memory>
#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/unit/load/fake_broker.hpp"
#include "tools/load/addresses.hpp"
#include "tools/load/report.hpp"
#include "tools/load/runner.hpp"
#include "tools/load/swarm.hpp"

namespace tulle::load::swarm_test {
namespace {

using Kind = RunOptions::Kind;

/// A broker, connections to it, and what runs on them.
struct Rig {
    explicit Rig(FakeBroker::Faults faults, Plan given = {.subscribers = 5, .publishers = 2})
        : broker(faults),
          plan(given),
          dialect(nats_dialect()),
          swarm(*dialect, plan, {.subscribe_at = {broker.address()}, .publish_at = {broker.address()}}),
          connected(swarm.connect({})),
          runner(swarm, *dialect, plan) {}

    FakeBroker broker;
    Plan plan;
    std::unique_ptr<Dialect> dialect;
    Swarm swarm;
    ConnectReport connected;
    Runner runner;
};

TEST(LoadSwarm, DeliversAndCountsEveryMessageInEachKindOfRun) {
    Rig rig({});
    ASSERT_EQ(rig.connected.ready, 7U);
    EXPECT_EQ(rig.connected.latency.count(), 7U);
    for (const RunOptions& options :
         {RunOptions{.kind = Kind::kBurst, .text_bytes = 64, .length = 50ms, .batch = 3},
          RunOptions{.kind = Kind::kRate, .text_bytes = 64, .length = 50ms, .rate = 2'000},
          RunOptions{.kind = Kind::kSaturate, .text_bytes = 20'000, .length = 50ms, .window = 10}}) {
        const RunReport report = rig.runner.run(options, {});
        EXPECT_EQ(report.trouble(), "");
        EXPECT_GT(report.sent, 0U);
        EXPECT_EQ(report.expected, 5 * report.sent);
        EXPECT_EQ(report.tally.received, report.expected);
        EXPECT_EQ(rig.swarm.ledger().latency().count(), report.expected);
        EXPECT_GT(rig.swarm.ledger().latency().quantile(0), Duration::zero());
    }
}

TEST(LoadSwarm, AnOpenLoopSendsWhatIsDueInItsTime) {
    Rig rig({});
    const RunReport report = rig.runner.run({.kind = Kind::kRate, .length = 100ms, .rate = 1'000}, {});
    EXPECT_EQ(report.sent, 100U);  // one at the beginning and one each millisecond, however late this process is
    EXPECT_EQ(report.unsent, 0U);
}

TEST(LoadSwarm, ABurstThatRestsDeliversAsWell) {
    Rig rig({});
    const RunReport report = rig.runner.run({.kind = Kind::kBurst, .length = 30ms, .batch = 5, .rest = 1ms}, {});
    EXPECT_EQ(report.trouble(), "");
    EXPECT_GT(report.sent, 0U);
    EXPECT_LE(report.sent, 2U * 5 * 31);  // a burst of two publishers takes a millisecond at least
}

TEST(LoadSwarm, ALossIsMissedOnce) {
    Rig rig({.drop = 3});
    const RunReport report =
        rig.runner.run({.kind = Kind::kRate, .length = 20ms, .rate = 1'000, .patience = 100ms}, {});
    EXPECT_EQ(report.tally.received + 1, report.expected);
    EXPECT_NE(report.trouble().find("1 of " + std::to_string(report.expected) + " deliveries missing"),
              std::string::npos);
    EXPECT_EQ(report.errors(), "");
    EXPECT_EQ(run_json(report, rig.swarm.ledger().latency()).at("missing"), 1);
}

TEST(LoadSwarm, ADuplicateIsFound) {
    Rig rig({.twice = 2});
    const RunReport report = rig.runner.run({.kind = Kind::kBurst, .length = 20ms}, {});
    EXPECT_EQ(report.tally.duplicates, 5U);
    EXPECT_EQ(report.tally.received, report.expected);
    EXPECT_FALSE(report.clean());
}

TEST(LoadSwarm, ALostConnectionEndsTheRunAndIsSaid) {
    Rig rig({.hang_up = 2});
    const RunReport report = rig.runner.run({.kind = Kind::kBurst, .length = 10s}, {});
    EXPECT_GE(report.lost_connections, 1U);
    EXPECT_LT(report.took, 5s);
    EXPECT_NE(report.trouble().find("connections lost"), std::string::npos);
}

TEST(LoadSwarm, WhoIsRefusedIsCountedWithTheReason) {
    Rig rig({.refuse = true});
    EXPECT_EQ(rig.connected.ready, 0U);
    EXPECT_EQ(rig.connected.failed, 7U);
    EXPECT_NE(rig.connected.first_failure.find("-ERR 'no'"), std::string::npos);
}

TEST(LoadSwarm, ProgressCanEndARun) {
    Rig rig({});
    int told = 0;
    Runner runner(rig.swarm, *rig.dialect, rig.plan, [&told](Duration, std::uint64_t) { return ++told < 2; });
    const RunReport report = runner.run({.kind = Kind::kIdle, .length = 60s}, {});
    EXPECT_LT(report.took, 10s);
    EXPECT_EQ(told, 2);
}

TEST(LoadSwarm, RefusesWhatCannotBe) {
    const Rig rig({});
    EXPECT_NE(rig.runner.complaint({.text_bytes = 15}), "");
    EXPECT_NE(rig.runner.complaint({.length = 0s}), "");
    EXPECT_NE(rig.runner.complaint({.batch = 0}), "");
    EXPECT_NE(rig.runner.complaint({.kind = Kind::kRate}), "");
    EXPECT_NE(rig.runner.complaint({.kind = Kind::kRate, .rate = 1, .rest = 1us}), "");
    EXPECT_NE(rig.runner.complaint({.rest = 2s}), "");
    EXPECT_EQ(rig.runner.complaint({}), "");
    EXPECT_THROW((void)resolve("nowhere"), std::runtime_error);
    EXPECT_THROW((void)resolve(":80"), std::runtime_error);
    const auto dialect = nats_dialect();
    EXPECT_THROW(Swarm(*dialect, {.subscribers = 5'000'000}, {.subscribe_at = {"127.0.0.1:1"}}), std::invalid_argument);
}

TEST(LoadSwarm, ProcessesAreMeasuredAndMissed) {
    Rig rig({});
    const RunReport report = rig.runner.run({.kind = Kind::kBurst, .length = 20ms}, {::getpid(), 999'999'999});
    EXPECT_GT(report.cpu.sum, Duration::zero());
    EXPECT_EQ(report.cpu.gone, std::vector<pid_t>{999'999'999});
    EXPECT_GT(rss_of(::getpid()).value_or(0), 1'000'000U);
    EXPECT_FALSE(report.clean());
}

}  // namespace
}  // namespace tulle::load::swarm_test
