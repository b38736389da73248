#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "mesh/base/digest.hpp"
#include "node/edge/clock.hpp"
#include "node/edge/shard.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/wire/channel_query.hpp"
#include "node/pusher/wire/codec.hpp"
#include "tests/unit/node/event_of.hpp"
#include "tests/unit/node/pusher/edge/shard_fixture.hpp"

namespace tulle::node::shard_users_test {
namespace {

using testing::HubProbe;
using testing::PusherShard;
using testing::RawClient;

using Members = std::vector<mesh::PresenceMember>;

/// One shard on a free port; the test is the hub.
class ShardUsersTest : public ::testing::Test {
protected:
    void SetUp() override {
        port = shard.bind({"127.0.0.1", 0}).port;
        shard.start();
        tell(mesh::Readiness{true});
        wait_for_mail();
    }

    static PusherOptions options() {
        App app;
        app.id = "app";
        app.key = "key";
        app.secret = "secret";
        app.watchlist_events = true;
        PusherOptions result;
        result.apps = AppTable(std::vector<App>{app});
        result.seed = 1;
        return result;
    }

    void tell(mesh::ToShard message) { shard.mailbox().push_reserved(std::move(message)); }

    void wait_for_mail() {
        tell(mesh::LocalQuery{++token, "{}"});
        ASSERT_EQ(hub.next<mesh::LocalAnswer>().value().token, token);
    }

    void open(RawClient& client) { ASSERT_EQ(client.upgrade("/app/key?protocol=7"), 101u); }

    void ask_signin(RawClient& client, const std::string& user) {
        const std::string data = R"({"id":")" + user + R"(","watchlist":["bob"]})";
        const std::string auth = "key:" + hmac_sha256_hex("secret", client.socket_id() + "::user::" + data);
        client.write_text(R"({"event":"pusher:signin","data":{"auth":")" + auth + R"(","user_data":"{\"id\":\")" +
                          user + R"(\",\"watchlist\":[\"bob\"]}"}})");
    }

    /// Until the shard has been told that the user is in; bob is offline.
    void sign_in(RawClient& client, const std::string& user) {
        open(client);
        ask_signin(client, user);
        const auto own = hub.next<mesh::Subscribe>().value();
        EXPECT_EQ(own.channel, online_key("app", user));
        EXPECT_TRUE(own.presence);
        const auto watched = hub.next<mesh::Subscribe>().value();
        EXPECT_EQ(watched.channel, online_key("app", "bob"));
        const auto mine = hub.next<mesh::Subscribe>().value();
        EXPECT_EQ(mine.channel, "app/#server-to-user-" + user);
        tell(mesh::Subscribed{mine.channel, mine.generation});
        tell(mesh::Subscribed{own.channel, own.generation, std::make_shared<const Members>()});
        const auto joining = hub.next<mesh::MemberJoin>().value();
        EXPECT_EQ(joining.channel, own.channel);
        EXPECT_EQ(joining.member.user, user);
        tell(mesh::MemberChanged{own.channel, joining.member, true});
        tell(mesh::MemberJoined{joining.id, mesh::JoinOutcome::kJoined});
        EXPECT_TRUE(client.read_text().starts_with(R"({"event":"pusher:signin_success")"));
        tell(mesh::Subscribed{watched.channel, watched.generation, std::make_shared<const Members>()});
        EXPECT_EQ(client.read_text(), pusher::watchlist_events({}, {"bob"}));
    }

    mesh::Subscribe ask_cache(RawClient& client) {
        client.write_text(R"({"event":"pusher:subscribe","data":{"channel":"cache-a"}})");
        return hub.next<mesh::Subscribe>().value();
    }

    void deliver(std::uint64_t stamp, const std::string& body) {
        auto record = std::make_shared<mesh::Record>();
        record->channels = {"app/cache-a", "app/other"};
        record->body = share(event_of(body));
        record->retained = 1;
        record->stamp = {stamp, OriginId{1}};
        record->keep_for = 10s;
        tell(mesh::Deliver{record});
    }

    HubProbe hub{64};
    PusherShard shard{options(), hub.mailbox()};
    std::uint16_t port = 0;
    std::uint64_t token = 0;
};

constexpr std::string_view kSucceeded =
    R"({"event":"pusher_internal:subscription_succeeded","channel":"cache-a","data":"{}"})";

TEST_F(ShardUsersTest, SignsAUserInAndTellsItOfWhomItWatches) {
    RawClient client(port);
    sign_in(client, "ann");
    tell(mesh::MemberChanged{online_key("app", "bob"), {"bob", nullptr}, true});
    EXPECT_EQ(client.read_text(), pusher::watchlist_events({"bob"}, {}));
    tell(mesh::MemberChanged{online_key("app", "bob"), {"bob", nullptr}, false});
    EXPECT_EQ(client.read_text(), pusher::watchlist_events({}, {"bob"}));
    EXPECT_EQ(shard.counters().signins_total.get(), 1u);
}

TEST_F(ShardUsersTest, TellsTheHubThatAUserHasGone) {
    {
        RawClient client(port);
        sign_in(client, "ann");
    }
    const auto left = hub.next<mesh::MemberLeave>().value();
    EXPECT_EQ(left.channel, online_key("app", "ann"));
    EXPECT_EQ(left.user, "ann");
    EXPECT_EQ(hub.next<mesh::Unsubscribe>().value().channel, online_key("app", "bob"));
    EXPECT_EQ(hub.next<mesh::Unsubscribe>().value().channel, online_key("app", "ann"));
}

TEST_F(ShardUsersTest, SendsElsewhereWhomTheHubTakesInNoMore) {
    RawClient client(port);
    open(client);
    ask_signin(client, "ann");
    const auto own = hub.next<mesh::Subscribe>().value();
    tell(mesh::Subscribed{own.channel, own.generation, std::make_shared<const Members>()});
    tell(mesh::MemberJoined{hub.next<mesh::MemberJoin>().value().id, mesh::JoinOutcome::kNotReady});
    EXPECT_EQ(client.read_close(), "close 4200");
}

TEST_F(ShardUsersTest, ReachesAUserFromItsSignInOnAndOnceWhateverTheClientSubscribes) {
    const auto send = [this](const std::string& data) {
        auto record = std::make_shared<mesh::Record>();
        record->channels = {"app/#server-to-user-ann"};
        record->body = share(EventBody("e", "\"" + data + "\""));
        tell(mesh::Deliver{record});
    };
    const auto received = [](const std::string& data) {
        return R"({"channel":"#server-to-user-ann","event":"e","data":")" + data + "\"}";
    };
    RawClient client(port);
    sign_in(client, "ann");
    send("1");
    EXPECT_EQ(client.read_text(), received("1"));
    client.write_text(R"({"event":"pusher:subscribe","data":{"channel":"#server-to-user-ann","auth":""}})");
    EXPECT_TRUE(client.read_text().starts_with(R"({"event":"pusher_internal:subscription_succeeded")"));
    send("2");
    send("3");
    EXPECT_EQ(client.read_text(), received("2"));
    EXPECT_EQ(client.read_text(), received("3"));
    client.write_text(R"({"event":"pusher:unsubscribe","data":{"channel":"#server-to-user-ann"}})");
    client.write_text(R"({"event":"pusher:ping","data":{}})");
    EXPECT_TRUE(client.read_text().starts_with(R"({"event":"pusher:pong")"));
    send("4");
    EXPECT_EQ(client.read_text(), received("4"));
}

TEST_F(ShardUsersTest, SaysSignedInOnlyWhenTheMeshKnowsThatTheUsersChannelIsWantedHere) {
    RawClient client(port);
    open(client);
    ask_signin(client, "ann");
    const auto own = hub.next<mesh::Subscribe>().value();
    hub.next<mesh::Subscribe>();
    const auto mine = hub.next<mesh::Subscribe>().value();
    EXPECT_EQ(mine.channel, "app/#server-to-user-ann");
    tell(mesh::Subscribed{own.channel, own.generation, std::make_shared<const Members>()});
    tell(mesh::MemberJoined{hub.next<mesh::MemberJoin>().value().id, mesh::JoinOutcome::kJoined});
    client.write_text(R"({"event":"pusher:ping","data":{}})");
    EXPECT_TRUE(client.read_text().starts_with(R"({"event":"pusher:pong")")) << "not yet";
    tell(mesh::Subscribed{mine.channel, mine.generation});
    EXPECT_TRUE(client.read_text().starts_with(R"({"event":"pusher:signin_success")"));
}

TEST_F(ShardUsersTest, EndsAUsersConnectionsAtTheEventAndAtTheQuery) {
    RawClient first(port);
    sign_in(first, "ann");
    auto record = std::make_shared<mesh::Record>();
    record->channels = {online_key("app", "ann")};
    record->body = share(EventBody("tulle:end", {}));
    tell(mesh::Deliver{record});
    EXPECT_NE(first.read_text().find("4009"), std::string::npos);
    EXPECT_EQ(first.read_text(), "close 4009");
    ASSERT_TRUE(hub.next<mesh::MemberLeave>().has_value());
    ASSERT_TRUE(hub.next<mesh::Unsubscribe>().has_value());
    ASSERT_TRUE(hub.next<mesh::Unsubscribe>().has_value());
    RawClient second(port);
    sign_in(second, "ann");
    tell(mesh::LocalQuery{99, pusher::encode(pusher::EndUser{"app", "ann"})});
    EXPECT_EQ(second.read_close(), "close 4009");
    EXPECT_EQ(hub.next<mesh::LocalAnswer>().value().token, 99u);
    EXPECT_EQ(shard.counters().users_ended_total.get(), 2u);
}

TEST_F(ShardUsersTest, ReplaysTheLastEventToEachNewSubscriberAfterItsConfirmation) {
    RawClient first(port);
    open(first);
    const mesh::Subscribe asked = ask_cache(first);
    EXPECT_TRUE(asked.retained);
    mesh::Subscribed answer{asked.channel, asked.generation};
    answer.last =
        mesh::RetainedEvent{{5, OriginId{1}}, share(event_of(R"(,"event":"e","data":"5"})")), monotonic_now() + 10s};
    tell(answer);
    EXPECT_EQ(first.read_text(), kSucceeded);
    EXPECT_EQ(first.read_text(), R"({"channel":"cache-a","event":"e","data":"5"})");
    deliver(5, R"(,"event":"e","data":"5"})");
    deliver(6, R"(,"event":"e","data":"6"})");
    EXPECT_EQ(first.read_text(), R"({"channel":"cache-a","event":"e","data":"6"})")
        << "what was replayed does not come again";
    RawClient second(port);
    open(second);
    second.write_text(R"({"event":"pusher:subscribe","data":{"channel":"cache-a"}})");
    EXPECT_EQ(second.read_text(), kSucceeded);
    EXPECT_EQ(second.read_text(), R"({"channel":"cache-a","event":"e","data":"6"})");
    second.write_text(R"({"event":"pusher:unsubscribe","data":{"channel":"cache-a"}})");
    second.write_text(R"({"event":"pusher:subscribe","data":{"channel":"cache-a"}})");
    EXPECT_EQ(second.read_text(), kSucceeded);
    EXPECT_EQ(second.read_text(), R"({"channel":"cache-a","event":"e","data":"6"})");
    EXPECT_EQ(shard.counters().cache_misses_total.get(), 0u);
}

TEST_F(ShardUsersTest, AsksForTheLastEventAgainAfterAGapAndTakesWhatTheMeshFinds) {
    RawClient client(port);
    open(client);
    const mesh::Subscribe asked = ask_cache(client);
    tell(mesh::Subscribed{asked.channel, asked.generation});
    EXPECT_EQ(client.read_text(), kSucceeded);
    EXPECT_EQ(client.read_text(), R"({"event":"pusher:cache_miss","channel":"cache-a"})");
    tell(mesh::Gap{asked.channel, 1});
    EXPECT_NE(client.read_text().find("tulle:gap"), std::string::npos);
    const auto again = hub.next<mesh::Subscribe>().value();
    EXPECT_EQ(again.channel, asked.channel);
    EXPECT_TRUE(again.retained);
    EXPECT_FALSE(again.presence);
    mesh::Subscribed answer{again.channel, again.generation};
    answer.last =
        mesh::RetainedEvent{{5, OriginId{1}}, share(event_of(R"(,"event":"e","data":"5"})")), monotonic_now() + 10s};
    tell(answer);
    RawClient second(port);
    open(second);
    second.write_text(R"({"event":"pusher:subscribe","data":{"channel":"cache-a"}})");
    EXPECT_EQ(second.read_text(), kSucceeded);
    EXPECT_EQ(second.read_text(), R"({"channel":"cache-a","event":"e","data":"5"})");
    tell(mesh::RetainedFound{
        asked.channel, {{6, OriginId{1}}, share(event_of(R"(,"event":"e","data":"6"})")), monotonic_now() + 10s}});
    wait_for_mail();
    RawClient third(port);
    open(third);
    third.write_text(R"({"event":"pusher:subscribe","data":{"channel":"cache-a"}})");
    EXPECT_EQ(third.read_text(), kSucceeded);
    EXPECT_EQ(third.read_text(), R"({"channel":"cache-a","event":"e","data":"6"})");
    deliver(7, R"(,"event":"e","data":"7"})");
    EXPECT_EQ(client.read_text(), R"({"channel":"cache-a","event":"e","data":"7"})")
        << "what was found is for newcomers alone";
}

TEST_F(ShardUsersTest, TellsANewSubscriberThatThereIsNoLastEvent) {
    RawClient client(port);
    open(client);
    const mesh::Subscribe asked = ask_cache(client);
    tell(mesh::Subscribed{asked.channel, asked.generation});
    EXPECT_EQ(client.read_text(), kSucceeded);
    EXPECT_EQ(client.read_text(), R"({"event":"pusher:cache_miss","channel":"cache-a"})");
    EXPECT_EQ(shard.counters().cache_misses_total.get(), 1u);
}

TEST_F(ShardUsersTest, PublishesToACacheChannelSoThatItIsKeptAndReadsItBack) {
    RawClient client(port);
    const auto send = [&client](const std::string& method, const std::string& path, const std::string& body,
                                const std::string& more) {
        std::string query = "auth_key=key&auth_timestamp=" + std::to_string(wall_now().time_since_epoch().count()) +
                            "&auth_version=1.0";
        query += body.empty() ? "" : "&body_md5=" + md5_hex(body);
        query += more;
        const std::string signature = hmac_sha256_hex("secret", method + "\n" + path + "\n" + query);
        client.write(method + " " + path + "?" + query + "&auth_signature=" + signature +
                     " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    };
    send("POST", "/apps/app/events", R"({"name":"e","channel":"cache-a","data":"d"})", "");
    const auto publish = hub.next<mesh::Publish>().value();
    EXPECT_EQ(publish.retained, 1u);
    EXPECT_EQ(publish.keep_for, kDefaultCacheTtl);
    tell(mesh::Published{publish.id, mesh::PublishOutcome::kAccepted});
    EXPECT_EQ(client.read_status(), 200u);
    send("GET", "/apps/app/channels/cache-a", "", "&info=cache");
    const auto query = hub.next<mesh::Query>().value();
    EXPECT_EQ(query.retained, std::vector<std::string>{"app/cache-a"});
    tell(mesh::QueryResult{
        query.id, {}, {}, {{"app/cache-a", {{5, OriginId{1}}, publish.body, monotonic_now() + 10s}}}});
    EXPECT_EQ(client.read_status(), 200u);
}

}  // namespace
}  // namespace tulle::node::shard_users_test
