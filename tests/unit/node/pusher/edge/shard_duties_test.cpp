// What a shard tells the hub for webhooks and for counting subscriptions.
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "mesh/base/digest.hpp"
#include "node/edge/shard.hpp"
#include "node/pusher/core/duty_report.hpp"
#include "node/pusher/wire/presence.hpp"
#include "node/pusher/wire/webhook_body.hpp"
#include "tests/unit/node/pusher/edge/shard_fixture.hpp"

namespace tulle::node::shard_duties_test {
namespace {

using testing::HubProbe;
using testing::PusherShard;
using testing::RawClient;

constexpr std::string_view kTarget = "/app/key?protocol=7";

/// One shard on a free port; the test is the hub.
class ShardDutiesTest : public ::testing::Test {
protected:
    void SetUp() override {
        port = shard.bind({"127.0.0.1", 0}).port;
        shard.start();
        tell(mesh::Readiness{true});
        tell(mesh::LocalQuery{1, "{}"});
        ASSERT_TRUE(hub.next<mesh::LocalAnswer>());
    }

    static PusherOptions options() {
        App app;
        app.id = "app";
        app.key = "key";
        app.secret = "secret";
        app.client_events = true;
        app.subscription_count = true;
        Webhook webhook;
        webhook.url = "http://a";
        app.webhooks.push_back(webhook);
        PusherOptions result;
        result.apps = AppTable(std::vector<App>{app});
        result.seed = 1;
        return result;
    }

    void tell(mesh::ToShard message) { shard.mailbox().push_reserved(std::move(message)); }

    static void ask(RawClient& client, const std::string& channel, const std::string& data = {}) {
        std::string claim = client.socket_id() + ":" + channel;
        std::string member;
        if (!data.empty()) {
            claim += ":{\"user_id\":" + data + "}";
            member = R"(,"channel_data":"{\"user_id\":)" + data + "}\"";
        }
        client.write_text(R"({"event":"pusher:subscribe","data":{"channel":")" + channel + R"(","auth":"key:)" +
                          hmac_sha256_hex("secret", claim) + "\"" + member + "}}");
    }

    void expect_count(const std::string& key, const std::string& item, std::uint64_t count) {
        const auto told = hub.next<mesh::DutyCount>();
        ASSERT_TRUE(told);
        EXPECT_EQ(told->key, key);
        EXPECT_EQ(told->item, item);
        EXPECT_EQ(told->count, count);
    }

    HubProbe hub{100};
    PusherShard shard{options(), hub.mailbox()};
    std::uint16_t port = 0;
};

TEST_F(ShardDutiesTest, SubscribersAreCountedFromTheirConfirmationToTheirEnd) {
    RawClient first(port);
    ASSERT_EQ(first.upgrade(kTarget), 101u);
    ask(first, "x");
    const auto asked = hub.next<mesh::Subscribe>();
    ASSERT_TRUE(asked);
    tell(mesh::Subscribed{"app/x", asked->generation});
    expect_count("app/x", "", 1);
    {
        RawClient second(port);
        ASSERT_EQ(second.upgrade(kTarget), 101u);
        ask(second, "x");
        expect_count("app/x", "", 2);
    }
    expect_count("app/x", "", 1);
    first.write_text(R"({"event":"pusher:unsubscribe","data":{"channel":"x"}})");
    expect_count("app/x", "", 0);
}

TEST_F(ShardDutiesTest, UsersAreToldOfWhenTheHubHasTakenThemIn) {
    RawClient client(port);
    ASSERT_EQ(client.upgrade(kTarget), 101u);
    ask(client, "presence-r", "7");
    const auto asked = hub.next<mesh::Subscribe>();
    ASSERT_TRUE(asked);
    tell(mesh::Subscribed{"app/presence-r", asked->generation, std::make_shared<std::vector<mesh::PresenceMember>>()});
    const auto joining = hub.next<mesh::MemberJoin>();
    ASSERT_TRUE(joining);
    tell(mesh::MemberJoined{joining->id, mesh::JoinOutcome::kJoined});
    expect_count("app/presence-r", "", 1);
    const auto user = hub.next<mesh::DutyCount>();
    ASSERT_TRUE(user);
    EXPECT_EQ(user->item, duty_item("7"));
    EXPECT_EQ(user->count, 1u);
    EXPECT_EQ(pusher::id_of_card(*user->info), "7");
    client.write_text(R"({"event":"pusher:unsubscribe","data":{"channel":"presence-r"}})");
    expect_count("app/presence-r", "", 0);
    expect_count("app/presence-r", duty_item("7"), 0);
}

TEST_F(ShardDutiesTest, AClientEventIsATask) {
    RawClient client(port);
    ASSERT_EQ(client.upgrade(kTarget), 101u);
    ask(client, "private-x");
    const auto asked = hub.next<mesh::Subscribe>();
    ASSERT_TRUE(asked);
    tell(mesh::Subscribed{"app/private-x", asked->generation});
    ASSERT_NE(client.read_text(), "");
    client.write_text(R"({"event":"client-e","channel":"private-x","data":{"a":1}})");
    const auto task = hub.next<mesh::DutyTask>();
    ASSERT_TRUE(task);
    EXPECT_EQ(task->key, "app/private-x");
    const auto read = pusher::decode_webhook_task(*task->body);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->event, WebhookEvent::kClientEvent);
    EXPECT_EQ(read->json, R"({"name":"client_event","channel":"private-x","socket_id":")" + client.socket_id() +
                              R"(","event":"client-e","data":{"a":1}})");
    EXPECT_TRUE(hub.next<mesh::Publish>());
}

TEST_F(ShardDutiesTest, ADrainingShardTellsOfNobodysLeaving) {
    auto client = std::make_unique<RawClient>(port);
    ASSERT_EQ(client->upgrade(kTarget), 101u);
    ask(*client, "x");
    const auto asked = hub.next<mesh::Subscribe>();
    ASSERT_TRUE(asked);
    tell(mesh::Subscribed{"app/x", asked->generation});
    expect_count("app/x", "", 1);
    shard.drain([this] {
        hub.mailbox().push_reserved({mesh::ShardIndex{}, mesh::DutyCount{"the end", "", 0, nullptr}});
    });
    EXPECT_EQ(client->read_close(), "close 4200");
    client.reset();
    expect_count("the end", "", 0);
}

}  // namespace
}  // namespace tulle::node::shard_duties_test
