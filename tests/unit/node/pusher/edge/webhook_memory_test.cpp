#include <chrono>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "node/pusher/edge/webhook_worker.hpp"
#include "node/pusher/wire/webhook_body.hpp"
#include "tests/unit/node/pusher/edge/http_target.hpp"
#include "tests/unit/node/pusher/edge/shard_fixture.hpp"
#include "tests/unit/node/pusher/edge/short_of_memory.hpp"

namespace tulle::node::webhook_memory_test {
namespace {

using testing::HttpTarget;
using testing::HubProbe;
using testing::is_spared;
using testing::kAll;
using testing::kLarge;
using testing::large_ones;

/// A worker that has no memory for one large event, or request, and for all else.
class WebhookMemoryTest : public ::testing::Test {
protected:
    void SetUp() override {
        App app;
        app.id = "app";
        app.key = "the-key";
        app.secret = "the-secret";
        app.webhooks.emplace_back().url = target.url();
        WebhookSettings settings;
        settings.addresses.allow_all = true;
        worker = std::make_unique<WebhookWorker>(mesh::ShardIndex{5}, hub.mailbox(), AppTable({app}), settings, 1);
        worker->start();
        expect_small_ones_told();
    }
    void TearDown() override { large_ones = kAll; }
    void give_event(std::uint64_t token) {
        const std::string json =
            R"({"name":"client_event","channel":"private-x","data":")" + std::string(kLarge, 'x') + "\"}";
        SharedBytes body = share(pusher::encode(pusher::WebhookTask{WebhookEvent::kClientEvent, json}));
        large_ones = granted;
        EXPECT_EQ(worker->mailbox().try_push(mesh::DutyPerform{token, "app/private-x", std::move(body)}),
                  Push::kAccepted);
    }
    void expect_small_ones_told() {
        const std::uint64_t token = ++last_token;
        EXPECT_EQ(worker->mailbox().try_push(mesh::DutyChanged{token, "app/x", "", nullptr, 0, 1}), Push::kAccepted);
        std::optional<mesh::DutyDone> done = hub.next<mesh::DutyDone>();
        ASSERT_TRUE(done);
        EXPECT_EQ(done->token, token);
        EXPECT_EQ(done->outcome, mesh::DutyOutcome::kTold);
    }

    HubProbe hub{1000};
    HttpTarget target{[](const std::string&) { return std::string("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); },
                      [] { is_spared = true; }};
    std::unique_ptr<WebhookWorker> worker;
    int granted = 0;
    std::uint64_t last_token = 100;
};

TEST_F(WebhookMemoryTest, AnEventThatCannotBeTakenInIsGivenUpAndTheOthersAreTold) {
    give_event(1);
    const auto done = hub.next<mesh::DutyDone>();
    ASSERT_TRUE(done);
    EXPECT_EQ(done->token, 1u);
    EXPECT_EQ(worker->counters().webhook_given_up_total.get(), 1u);
    EXPECT_EQ(worker->counters().failures_total.get(), 1u);
    expect_small_ones_told();
}

/// At each of the places that want memory for it in turn.
TEST_F(WebhookMemoryTest, WhereverMemoryIsWantingTheWorkerLivesAndAnswers) {
    const ShardCounters& counters = worker->counters();
    std::uint64_t failures = 0;
    std::uint64_t failed = 0;
    for (granted = 0; granted == 0 || failures > 0; ++granted) {
        ASSERT_LT(granted, 100);
        const std::uint64_t failures_before = counters.failures_total.get();
        const std::uint64_t told_before = counters.webhook_events_total.get();
        const auto seen = [&] {
            return counters.failures_total.get() > failures_before || counters.webhook_events_total.get() > told_before;
        };
        give_event(static_cast<std::uint64_t>(granted) + 1);
        for (const auto end = std::chrono::steady_clock::now() + 5s;
             !seen() && std::chrono::steady_clock::now() < end;) {
            std::this_thread::yield();
        }
        large_ones = kAll;  // an attempt that could not be made is made again after a second
        const auto done = hub.next<mesh::DutyDone>();
        ASSERT_TRUE(done) << granted;
        EXPECT_EQ(done->token, static_cast<std::uint64_t>(granted) + 1);
        failures = counters.failures_total.get() - failures_before;
        failed += failures;
    }
    EXPECT_GT(failed, 2u);
    EXPECT_LT(counters.webhook_given_up_total.get(), failed)
        << "an attempt that could not be made is no reason to give up";
    expect_small_ones_told();
}

}  // namespace
}  // namespace tulle::node::webhook_memory_test
