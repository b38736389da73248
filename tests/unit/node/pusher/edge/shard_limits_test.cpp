// What a shard makes of the limits of the node, of its apps and of their changes.
#include <string>

#include <gtest/gtest.h>

#include "mesh/base/digest.hpp"
#include "node/edge/clock.hpp"
#include "node/edge/shard.hpp"
#include "tests/unit/node/pusher/edge/shard_fixture.hpp"

namespace tulle::node::shard_limits_test {
namespace {

using testing::HubProbe;
using testing::PusherShard;
using testing::RawClient;

constexpr std::size_t kHubItems = 100;
constexpr std::string_view kTarget = "/app/key?protocol=7";

App app_named(const std::string& id, const std::string& key) {
    App app;
    app.id = id;
    app.key = key;
    app.secret = "secret";
    return app;
}

class ShardLimitsTest : public ::testing::Test {
protected:
    void SetUp() override { serve(app, NodeLimitsOptions{.auth_failures = {3, true}}); }

    void serve(const App& one, const NodeLimitsOptions& limits) {
        shard.reset();
        PusherOptions options;
        options.apps = AppTable({one});
        options.seed = 1;
        ShardOptions of_shard;
        of_shard.limits = std::make_shared<NodeLimits>(limits);
        shard = std::make_unique<PusherShard>(std::move(options), hub.mailbox(), of_shard);
        port = shard->bind({"127.0.0.1", 0}).port;
        shard->start();
        tell(mesh::Readiness{true});
        wait_for_mail();
    }

    void tell(mesh::ToShard message) { shard->mailbox().push_reserved(std::move(message)); }

    void wait_for_mail() {
        tell(mesh::LocalQuery{++token, "{}"});
        ASSERT_TRUE(hub.next<mesh::LocalAnswer>().has_value());
    }

    static std::string read_request(const std::string& secret) {
        const std::string query =
            "auth_key=key&auth_timestamp=" + std::to_string(wall_now().time_since_epoch().count()) +
            "&auth_version=1.0";
        const std::string signature = hmac_sha256_hex(secret, "GET\n/apps/app/channels\n" + query);
        return "GET /apps/app/channels?" + query + "&auth_signature=" + signature + " HTTP/1.1\r\nHost: x\r\n\r\n";
    }

    static std::string private_subscription(const RawClient& client, const std::string& secret) {
        return R"({"event":"pusher:subscribe","data":{"channel":"private-a","auth":"key:)" +
               hmac_sha256_hex(secret, client.socket_id() + ":private-a") + R"("}})";
    }

    /// Says Close and waits for the answer.
    static void leave(RawClient& client) {
        client.write(std::string("\x88\x80\0\0\0\0", 6));
        static_cast<void>(client.read_close());
    }

    /// The Close of a client that is turned away at the opening.
    std::string refusal() const {
        RawClient client(port);
        EXPECT_EQ(client.upgrade(kTarget), 101U);
        return client.read_close();
    }

    App app = app_named("app", "key");
    HubProbe hub{kHubItems};
    std::unique_ptr<PusherShard> shard;
    std::uint16_t port = 0;
    std::uint64_t token = 0;
};

TEST_F(ShardLimitsTest, AChangeOfTheAppsClosesThoseConcernedAndNobodyElse) {
    RawClient client(port);
    ASSERT_EQ(client.upgrade(kTarget), 101U);
    App changed = app;
    changed.max_channel_name_length = 3;
    shard->set_apps(AppTable({changed, app_named("other", "other-key")}));
    client.write_text(R"({"event":"pusher:subscribe","data":{"channel":"news"}})");
    EXPECT_NE(client.read_text().find("longer than this app allows"), std::string::npos);
    RawClient other(port);
    ASSERT_EQ(other.upgrade("/app/other-key?protocol=7"), 101U);
    shard->set_apps(AppTable({changed}));
    EXPECT_EQ(other.read_close(), "close 4001");
    changed.enabled = false;
    shard->set_apps(AppTable({changed}));
    EXPECT_EQ(client.read_close(), "close 4003");
    EXPECT_EQ(shard->counters().app_closes_total.get(), 2U);
}

TEST_F(ShardLimitsTest, AQuotaOfConnectionsCountsThoseOfOtherNodes) {
    app.max_connections = 3;
    serve(app, {});
    tell(mesh::ClusterUsage{2, {{"app/connections", 1}}});
    wait_for_mail();
    RawClient first(port);
    ASSERT_EQ(first.upgrade(kTarget), 101U);
    {
        RawClient second(port);
        ASSERT_EQ(second.upgrade(kTarget), 101U);
        EXPECT_NE(second.socket_id(), "");
        EXPECT_EQ(refusal(), "close 4004");
        std::optional<mesh::ShareUsage> told = hub.next<mesh::ShareUsage>();
        if (told && told->entries.empty()) {  // as it shares before anybody has connected
            told = hub.next<mesh::ShareUsage>();
        }
        ASSERT_TRUE(told.has_value());
        ASSERT_EQ(told->entries.size(), 1U);
        EXPECT_EQ(told->entries[0].first, "app/connections");
        leave(second);
    }
    RawClient third(port);
    ASSERT_EQ(third.upgrade(kTarget), 101U);
    EXPECT_NE(third.socket_id(), "");
    EXPECT_EQ(shard->counters().over_quota_total.get(), 1U);
}

TEST_F(ShardLimitsTest, ARateIsSharedWithOtherNodes) {
    app.max_read_requests_per_second = 4;
    serve(app, {});
    tell(mesh::ClusterUsage{2, {{"app/reads", 4000}}});
    wait_for_mail();
    RawClient client(port);
    client.write(read_request("secret"));
    const auto query = hub.next<mesh::Query>();
    ASSERT_TRUE(query.has_value());
    tell(mesh::QueryResult{query->id, {}, {}});
    EXPECT_EQ(client.read_status(), 200U);
    client.write(read_request("secret"));
    EXPECT_EQ(client.read_status(), 429U) << "the other node uses as much as there is";
    EXPECT_EQ(shard->counters().rate_limited_total.get(), 1U);
}

TEST_F(ShardLimitsTest, WrongSignaturesShutAnAddressForFurtherWrongOnesAndForNoRightOne) {
    RawClient socket(port);
    ASSERT_EQ(socket.upgrade(kTarget), 101U);
    RawClient client(port);
    for (int i = 0; i < 2; ++i) {
        client.write(read_request("wrong"));
        EXPECT_EQ(client.read_status(), 401U);
    }
    socket.write_text(private_subscription(socket, "wrong"));
    EXPECT_NE(socket.read_text().find("\"status\":401"), std::string::npos);
    client.write(read_request("secret"));
    const auto query = hub.next<mesh::Query>();
    ASSERT_TRUE(query.has_value());
    tell(mesh::QueryResult{query->id, {}, {}});
    EXPECT_EQ(client.read_status(), 200U);
    client.write(read_request("wrong"));
    EXPECT_EQ(client.read_status(), 429U);
    EXPECT_EQ(client.read_status(), 0U) << "a wrong one more than allowed ends its connection";
    socket.write_text(private_subscription(socket, "wrong"));
    EXPECT_NE(socket.read_text().find("\"status\":429"), std::string::npos);
    socket.write_text(private_subscription(socket, "secret"));
    EXPECT_TRUE(hub.next<mesh::Subscribe>().has_value());
    EXPECT_EQ(shard->counters().auth_failures_total.get(), 3U);
    EXPECT_EQ(shard->counters().auth_throttled_total.get(), 2U);
}

TEST_F(ShardLimitsTest, TheBodyOfAnUnsignedRequestIsNotWaitedFor) {
    RawClient client(port);
    client.write("POST /apps/app/events?auth_key=key HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n{");
    EXPECT_EQ(client.read_status(), 401U);
    EXPECT_EQ(client.read_status(), 0U);
    EXPECT_EQ(shard->counters().auth_failures_total.get(), 1U);
}

TEST_F(ShardLimitsTest, AnAddressHasSoManyConnectionsAndNoMore) {
    serve(app, {.connections_per_address = 2, .auth_failures = {0, false}});
    RawClient first(port);
    ASSERT_EQ(first.upgrade(kTarget), 101U);
    {
        RawClient second(port);
        ASSERT_EQ(second.upgrade(kTarget), 101U);
        RawClient third(port);
        EXPECT_EQ(third.upgrade(kTarget), 0U) << "closed without a word";
        EXPECT_EQ(shard->counters().address_capped_total.get(), 1U);
        leave(second);
    }
    unsigned status = 0;
    for (int i = 0; i < 1000 && status != 101; ++i) {  // the shard sees the end of the second when it reads it
        status = RawClient(port).upgrade(kTarget);
    }
    EXPECT_EQ(status, 101U);
}

TEST_F(ShardLimitsTest, AnAddressThatHasAllItsConnectionsMakesNobodyElseGo) {
    serve(app, {.capacity = {4, 4, 2}, .connections_per_address = 2, .auth_failures = {0, false}});
    RawClient first(port);
    RawClient second(port);  // two that have said nothing: all that HTTP may have
    for (int i = 0; i < 3; ++i) {
        RawClient further(port);
        EXPECT_EQ(further.upgrade(kTarget), 0U);
    }
    EXPECT_EQ(shard->counters().address_capped_total.get(), 3U);
    EXPECT_EQ(shard->counters().http_evicted_total.get(), 0U);
    EXPECT_EQ(first.upgrade(kTarget), 101U);
    EXPECT_EQ(second.upgrade(kTarget), 101U);
}

TEST(NodeLimits, SaysOfAnAddressThatIsFullThatItIsAlsoWhenTheNodeIs) {
    const PeerAddress one = peer_of_v4(1);
    const PeerAddress other = peer_of_v4(2);
    NodeLimits limits({.capacity = {2, 2, 2}, .connections_per_address = 1});
    ASSERT_EQ(limits.enter(one), NodeLimits::Entry::kLetIn);
    EXPECT_EQ(limits.enter(one), NodeLimits::Entry::kAddressIsFull);
    ASSERT_EQ(limits.enter(other), NodeLimits::Entry::kLetIn);
    EXPECT_EQ(limits.enter(one), NodeLimits::Entry::kAddressIsFull);
    EXPECT_EQ(limits.enter(peer_of_v4(3)), NodeLimits::Entry::kNodeIsFull);
    limits.leave(one, false);
    EXPECT_EQ(limits.enter(peer_of_v4(3)), NodeLimits::Entry::kLetIn) << "it does not count from when it was refused";
    EXPECT_EQ(limits.enter(one), NodeLimits::Entry::kNodeIsFull);
}

}  // namespace
}  // namespace tulle::node::shard_limits_test
