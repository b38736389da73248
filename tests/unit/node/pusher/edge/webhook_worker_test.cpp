#include "node/pusher/edge/webhook_worker.hpp"

#include <future>
#include <string>

#include <gtest/gtest.h>

#include "node/pusher/core/duty_report.hpp"
#include "node/pusher/wire/webhook_body.hpp"
#include "tests/unit/node/pusher/edge/http_target.hpp"
#include "tests/unit/node/pusher/edge/shard_fixture.hpp"

namespace tulle::node::webhook_worker_test {
namespace {

using testing::HttpTarget;
using testing::HubProbe;
using testing::status_line;

std::string body_of(const std::optional<std::string>& request) {
    return request ? request->substr(request->find("\r\n\r\n") + 4) : "nothing came";
}

/// The events of a request, as their JSON.
std::string events_of(const std::optional<std::string>& request) {
    const std::string body = body_of(request);
    const std::size_t begin = body.find("\"events\":");
    return begin == std::string::npos ? body : body.substr(begin + 9, body.size() - begin - 10);
}

App app_with(const std::string& url, bool batch = true) {
    App app;
    app.id = "app";
    app.key = "the-key";
    app.secret = "the-secret";
    Webhook webhook;
    webhook.url = url;
    webhook.batch = batch;
    webhook.headers = {{"X-Custom", "yes"}};
    app.webhooks.push_back(webhook);
    return app;
}

WebhookSettings settings() {
    WebhookSettings settings;
    settings.addresses.allow_all = true;
    settings.vacated_hold = 50ms;
    settings.removed_hold = 50ms;
    return settings;
}

class WebhookWorkerTest : public ::testing::Test {
protected:
    void start(std::vector<App> apps, const WebhookSettings& with = settings()) {
        worker =
            std::make_unique<WebhookWorker>(mesh::ShardIndex{5}, hub.mailbox(), AppTable(std::move(apps)), with, 1);
        worker->start();
    }
    void give(mesh::ToShard message) { EXPECT_EQ(worker->mailbox().try_push(std::move(message)), Push::kAccepted); }
    void give_count(std::uint64_t token, std::uint64_t told, std::uint64_t count) {
        give(mesh::DutyChanged{token, "app/x", "", nullptr, told, count});
    }
    void expect_done(std::uint64_t token, std::uint64_t told) {
        const auto done = hub.next<mesh::DutyDone>();
        ASSERT_TRUE(done);
        EXPECT_EQ(done->token, token);
        EXPECT_EQ(done->told, told);
    }

    HubProbe hub{1000};
    HttpTarget target{[](const std::string&) { return status_line("200 OK"); }};
    std::unique_ptr<WebhookWorker> worker;
};

TEST_F(WebhookWorkerTest, TellsTheEndpointAndAnswersTheHub) {
    start({app_with(target.url())});
    give_count(9, 0, 1);
    const std::string request = target.next().value_or("");
    EXPECT_EQ(
        events_of(request),
        R"([{"name":"channel_occupied","channel":"x"},{"name":"subscription_count","channel":"x","subscription_count":1}])");
    EXPECT_NE(request.find("\r\nX-Pusher-Key: the-key\r\n"), std::string::npos);
    EXPECT_NE(request.find("\r\nX-Custom: yes\r\n"), std::string::npos);
    App app;
    app.key = "the-key";
    app.secret = "the-secret";
    for (const auto& [name, value] : pusher::webhook_headers(app, body_of(request))) {
        EXPECT_NE(request.find(name + ": " + value + "\r\n"), std::string::npos) << name;
    }
    expect_done(9, 1);
    EXPECT_EQ(worker->counters().webhook_events_total.get(), 2u);
    EXPECT_EQ(worker->counters().webhook_attempts_total.get(), 1u);
}

TEST_F(WebhookWorkerTest, HoldsDeparturesAndNamesUsersByTheirCards) {
    start({app_with(target.url())});
    const std::string item = duty_item("7");
    give(mesh::DutyChanged{1, "app/presence-x", item, share("7\n{}"), 1, 0});
    EXPECT_EQ(events_of(target.next()), R"([{"name":"member_removed","channel":"presence-x","user_id":"7"}])");
    expect_done(1, 0);
}

TEST_F(WebhookWorkerTest, HandsTasksOnAndSettlesThoseThatAreNone) {
    start({app_with(target.url())});
    const std::string json = R"({"name":"client_event","channel":"private-x","data":{"a":1}})";
    give(mesh::DutyPerform{1, "app/private-x",
                           share(pusher::encode(pusher::WebhookTask{WebhookEvent::kClientEvent, json}))});
    EXPECT_EQ(events_of(target.next()), R"([{"name":"client_event","channel":"private-x","data":"{\"a\":1}"}])");
    expect_done(1, 0);
    give(mesh::DutyPerform{2, "app/private-x", share("not a task")});
    expect_done(2, 0);
    give(mesh::DutyPerform{3, "app/private-x", nullptr});
    expect_done(3, 0);
}

TEST_F(WebhookWorkerTest, KeepsTheTypesForEndpointsThatWantThem) {
    App app = app_with(target.url());
    app.webhooks[0].keep_types = true;
    start({app});
    const std::string json = R"({"name":"client_event","channel":"presence-x","data":{"a":1},"user_id":7})";
    give(mesh::DutyPerform{1, "app/presence-x",
                           share(pusher::encode(pusher::WebhookTask{WebhookEvent::kClientEvent, json}))});
    EXPECT_EQ(events_of(target.next()), "[" + json + "]");
    expect_done(1, 0);
}

TEST_F(WebhookWorkerTest, TriesAgainAndIsNotDoneBefore) {
    int requests = 0;
    HttpTarget moody([&requests](const std::string&) { return status_line(++requests < 2 ? "500 Oops" : "200 OK"); });
    start({app_with(moody.url())});
    give_count(9, 0, 1);
    EXPECT_EQ(events_of(moody.next()), events_of(moody.next()));
    expect_done(9, 1);
    EXPECT_EQ(worker->counters().webhook_failures_total.get(), 1u);
}

TEST_F(WebhookWorkerTest, GivesUpWhatTheTargetNeverTakes) {
    HttpTarget refusing([](const std::string&) { return status_line("404 Not Found"); });
    WebhookSettings brief = settings();
    brief.retry_for = 0s;
    start({app_with(refusing.url())}, brief);
    give_count(9, 0, 1);
    expect_done(9, 1);
    EXPECT_EQ(worker->counters().webhook_given_up_total.get(), 2u);
}

TEST_F(WebhookWorkerTest, PrivateAddressesAreRefusedByDefault) {
    WebhookSettings strict = settings();
    strict.addresses = {};
    strict.retry_for = 0s;
    start({app_with(target.url())}, strict);
    give_count(9, 0, 1);
    expect_done(9, 1);
    EXPECT_EQ(worker->counters().webhook_refused_addresses_total.get(), 1u);
    EXPECT_EQ(target.connections(), 0u);
}

TEST_F(WebhookWorkerTest, TellsSubscribersHowManyTheyAre) {
    App app = app_with(target.url());
    app.webhooks.clear();
    app.subscription_count = true;
    start({app});
    give_count(9, 0, 3);
    const auto publish = hub.next<mesh::Publish>();
    ASSERT_TRUE(publish);
    EXPECT_EQ(publish->channels, std::vector<std::string>{"app/x"});
    EXPECT_EQ(*publish->body, pusher::subscription_count_body(3));
    EXPECT_EQ(publish->retained, 0u);
    EXPECT_EQ(publish->id, 0u);
}

TEST_F(WebhookWorkerTest, AnswersQueriesWithNothing) {
    start({});
    give(mesh::LocalQuery{4, "any"});
    const auto answer = hub.next<mesh::LocalAnswer>();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->token, 4u);
    EXPECT_TRUE(answer->body.empty());
    EXPECT_TRUE(answer->last);
}

TEST_F(WebhookWorkerTest, NewAppsHoldFromThenOnAndOldEndpointsAreGivenUp) {
    HttpTarget hanging([](const std::string&) { return std::string(); });
    start({app_with(hanging.url())});
    give_count(1, 0, 1);
    ASSERT_TRUE(hanging.next());
    worker->set_apps(AppTable({app_with(target.url())}));
    EXPECT_EQ(
        events_of(target.next()),
        R"([{"name":"channel_occupied","channel":"x"},{"name":"subscription_count","channel":"x","subscription_count":1}])")
        << "what the former endpoint had not taken";
    expect_done(1, 1);
    give_count(2, 1, 2);
    EXPECT_EQ(events_of(target.next()), R"([{"name":"subscription_count","channel":"x","subscription_count":2}])");
    expect_done(2, 2);
}

TEST_F(WebhookWorkerTest, AnEndpointThatHangsKeepsNothingFromAnother) {
    HttpTarget hanging([](const std::string&) { return std::string(); });
    App app = app_with(target.url());
    app.webhooks.push_back(app_with(hanging.url()).webhooks[0]);
    start({app});
    give_count(1, 0, 1);
    ASSERT_TRUE(hanging.next());
    EXPECT_NE(events_of(target.next()).find("channel_occupied"), std::string::npos);
    give_count(1, 0, 0);
    EXPECT_NE(events_of(target.next()).find("channel_vacated"), std::string::npos);
    give_count(1, 0, 1);
    EXPECT_NE(events_of(target.next()).find("channel_occupied"), std::string::npos);
}

TEST_F(WebhookWorkerTest, ALeavingNodeSendsWhatWaitsAndTakesNothingMore) {
    start({app_with(target.url())});
    give_count(1, 0, 1);
    std::promise<void> finished;
    give(mesh::LocalQuery{1, ""});
    ASSERT_TRUE(hub.next<mesh::LocalAnswer>()) << "the count before it has been taken";
    worker->finish([&finished] { finished.set_value(); });
    EXPECT_EQ(finished.get_future().wait_for(std::chrono::seconds(4)), std::future_status::ready);
    EXPECT_TRUE(target.next());
    expect_done(1, 1);
    give_count(2, 1, 2);
    give(mesh::LocalQuery{2, ""});
    ASSERT_TRUE(hub.next<mesh::LocalAnswer>());
    EXPECT_EQ(worker->counters().webhook_queue.get(), 0u);
}

TEST_F(WebhookWorkerTest, ALeavingNodeDoesNotWaitForATargetThatFails) {
    HttpTarget refusing([](const std::string&) { return status_line("500 Oops"); });
    start({app_with(refusing.url())});
    give_count(1, 0, 1);
    ASSERT_TRUE(refusing.next());
    std::promise<void> finished;
    worker->finish([&finished] { finished.set_value(); });
    EXPECT_EQ(finished.get_future().wait_for(std::chrono::seconds(4)), std::future_status::ready);
}

TEST_F(WebhookWorkerTest, TheLastNodeTellsWhatItHeldAndWhatItHadLeftToOthers) {
    WebhookSettings patient = settings();
    patient.vacated_hold = 60s;
    int requests = 0;
    HttpTarget moody([&requests](const std::string&) { return status_line(++requests < 2 ? "503 Later" : "200 OK"); });
    start({app_with(moody.url(), false)}, patient);
    give_count(9, 1, 0);
    worker->finish([] {});
    const std::string json = R"({"name":"client_event","channel":"private-x","data":{"a":1}})";
    give(mesh::DutyPerform{1, "app/private-x",
                           share(pusher::encode(pusher::WebhookTask{WebhookEvent::kClientEvent, json}))});
    give(mesh::DutyLast{});
    const auto first = moody.next();
    EXPECT_EQ(events_of(first), events_of(moody.next())) << "again, as it was refused";
    std::string rest = events_of(moody.next()) + events_of(moody.next());
    EXPECT_NE((events_of(first) + rest).find("channel_vacated"), std::string::npos);
    EXPECT_NE((events_of(first) + rest).find("client_event"), std::string::npos);
    const auto done = hub.next<mesh::DutyDone>();
    const auto other = hub.next<mesh::DutyDone>();
    ASSERT_TRUE(done && other);
    EXPECT_EQ(done->token + other->token, 10u);
}

TEST_F(WebhookWorkerTest, WhatTheLastNodeCouldNotTellIsCounted) {
    HttpTarget refusing([](const std::string&) { return status_line("503 Later"); });
    start({app_with(refusing.url())});
    give(mesh::DutyLast{});
    give_count(9, 1, 0);
    ASSERT_TRUE(refusing.next());
    ASSERT_TRUE(refusing.next());
    worker->stop();
    EXPECT_EQ(worker->counters().webhook_given_up_total.get(), 2u);
}

}  // namespace
}  // namespace tulle::node::webhook_worker_test
