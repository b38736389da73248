#include "node/edge/shard.hpp"

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "mesh/base/digest.hpp"
#include "node/core/limits.hpp"
#include "node/edge/clock.hpp"
#include "node/pusher/core/limits.hpp"
#include "node/web/core/limits.hpp"
#include "tests/unit/node/event_of.hpp"
#include "tests/unit/node/pusher/edge/shard_fixture.hpp"

namespace tulle::node::shard_test {
namespace {

using testing::HubProbe;
using testing::PusherShard;
using testing::RawClient;

constexpr std::size_t kHubItems = 4;
constexpr std::string_view kTarget = "/app/key?protocol=7";

App test_app() {
    App app;
    app.id = "app";
    app.key = "key";
    app.secret = "secret";
    app.client_events = true;
    app.client_events_per_second = 0;
    return app;
}

/// One shard on a free port; the test is the hub.
class ShardTest : public ::testing::Test {
protected:
    void SetUp() override {
        port = shard.bind({"127.0.0.1", 0}).port;
        shard.start();
    }

    static PusherOptions options() {
        App strict = test_app();
        strict.id = "strict";
        strict.key = "strict-key";
        strict.on_gap = GapPolicy::kClose;
        PusherOptions result;
        result.apps = AppTable(std::vector<App>{test_app(), strict});
        result.seed = 1;
        return result;
    }

    void tell(mesh::ToShard message) { shard.mailbox().push_reserved(std::move(message)); }

    /// The shard takes its mail in order, so that an answered query means that all before it has been taken.
    void wait_for_mail() {
        tell(mesh::LocalQuery{++token, "{}"});
        const auto answer = hub.next<mesh::LocalAnswer>();
        ASSERT_TRUE(answer.has_value());
        EXPECT_EQ(answer->token, token);
    }

    void make_ready() {
        tell(mesh::Readiness{true});
        wait_for_mail();
    }

    void subscribe(RawClient& client, const std::string& channel) {
        const std::string auth = "key:" + hmac_sha256_hex("secret", client.socket_id() + ":" + channel);
        client.write_text(R"({"event":"pusher:subscribe","data":{"channel":")" + channel + R"(","auth":")" + auth +
                          R"("}})");
        const auto asked = hub.next<mesh::Subscribe>();
        ASSERT_TRUE(asked.has_value());
        EXPECT_EQ(asked->channel, "app/" + channel);
        tell(mesh::Subscribed{asked->channel, asked->generation});
        EXPECT_EQ(client.read_text(),
                  R"({"event":"pusher_internal:subscription_succeeded","channel":")" + channel + R"(","data":"{}"})");
    }

    static void ask_presence(RawClient& client, const std::string& user) {
        const std::string data = R"({"user_id":)" + user + "}";
        const std::string auth = "key:" + hmac_sha256_hex("secret", client.socket_id() + ":presence-a:" + data);
        client.write_text(
            R"({"event":"pusher:subscribe","data":{"channel":"presence-a","channel_data":"{\"user_id\":)" + user +
            R"(}","auth":")" + auth + R"("}})");
    }

    static mesh::Deliver delivery(const std::string& channel, const std::string& body, std::string exclude = {}) {
        auto record = std::make_shared<mesh::Record>();
        record->channels = {"app/" + channel};
        record->body = share(event_of(body));
        record->exclude_socket = std::move(exclude);
        return {record};
    }

    void deliver(const std::string& channel, const std::string& body, std::string exclude = {}) {
        tell(delivery(channel, body, std::move(exclude)));
    }

    /// All of it in one turn of the shard.
    void tell_at_once(std::vector<mesh::ToShard> messages) {
        for (std::size_t i = 0; i < messages.size(); ++i) {
            shard.mailbox().claim();
        }
        shard.mailbox().push_claimed(messages);
    }

    static std::string signed_publish() {
        const std::string body = R"({"name":"e","channel":"news","data":"d"})";
        const std::string query =
            "auth_key=key&auth_timestamp=" + std::to_string(wall_now().time_since_epoch().count()) +
            "&auth_version=1.0&body_md5=" + md5_hex(body);
        const std::string signature = hmac_sha256_hex("secret", "POST\n/apps/app/events\n" + query);
        return "POST /apps/app/events?" + query + "&auth_signature=" + signature +
               " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }

    HubProbe hub{kHubItems};
    PusherShard shard{options(), hub.mailbox()};
    std::uint16_t port = 0;
    std::uint64_t token = 0;
};

TEST_F(ShardTest, RefusesClientsUntilTheNodeIsReady) {
    RawClient early(port);
    EXPECT_EQ(early.upgrade(kTarget), 503u);
    make_ready();
    RawClient client(port);
    EXPECT_EQ(client.upgrade(kTarget), 101u);
    EXPECT_NE(client.socket_id(), "");
}

TEST_F(ShardTest, ConfirmsASubscriptionWhenTheHubDoesAndDelivers) {
    make_ready();
    RawClient client(port);
    ASSERT_EQ(client.upgrade(kTarget), 101u);
    subscribe(client, "news");
    deliver("news", R"(,"event":"e","data":"1"})");
    deliver("news", R"(,"event":"e","data":"not for you"})", client.socket_id());
    deliver("other", R"(,"event":"e","data":"nor this"})");
    deliver("news", R"(,"event":"e","data":"2"})", "1.2");
    EXPECT_EQ(client.read_text(), R"({"channel":"news","event":"e","data":"1"})");
    EXPECT_EQ(client.read_text(), R"({"channel":"news","event":"e","data":"2"})");
}

TEST_F(ShardTest, KeepsTheOrderOfWhatItQueuesTogether) {
    make_ready();
    RawClient client(port);
    RawClient other(port);
    ASSERT_EQ(client.upgrade(kTarget), 101u);
    ASSERT_EQ(other.upgrade(kTarget), 101u);
    subscribe(client, "news");
    subscribe(client, "sport");
    other.write_text(R"({"event":"pusher:subscribe","data":{"channel":"news"}})");
    EXPECT_TRUE(other.read_text().starts_with(R"({"event":"pusher_internal:subscription_succeeded")"));
    const auto body = [](int n) { return R"(,"event":"e","data":")" + std::to_string(n) + R"("})"; };
    const std::string large(kMaxRunBytes, 'x');
    tell_at_once({delivery("news", body(1)), delivery("news", body(2)), delivery("news", body(3), other.socket_id()),
                  delivery("sport", body(4)), delivery("news", body(5)), mesh::Gap{"app/news", 7},
                  delivery("news", body(6)), delivery("news", R"(,"event":"e","data":")" + large + R"("})"),
                  delivery("news", body(7))});
    const auto news = [](int n) { return R"({"channel":"news","event":"e","data":")" + std::to_string(n) + R"("})"; };
    const std::string large_news = R"({"channel":"news","event":"e","data":")" + large + R"("})";
    for (const std::string& expected :
         {news(1), news(2), news(3), std::string(R"({"channel":"sport","event":"e","data":"4"})"), news(5)}) {
        EXPECT_EQ(client.read_text(), expected);
    }
    EXPECT_NE(client.read_text().find("tulle:gap"), std::string::npos);
    for (const std::string& expected : {news(6), large_news, news(7)}) {
        EXPECT_EQ(client.read_text(), expected);
    }
    for (const int n : {1, 2, 5}) {
        EXPECT_EQ(other.read_text(), news(n));
    }
    EXPECT_NE(other.read_text().find("tulle:gap"), std::string::npos);
    EXPECT_EQ(other.read_text(), news(6));
}

TEST_F(ShardTest, WritesToMoreClientsThanOneTurnHasRoomForWhileSomeLeave) {
    make_ready();
    std::vector<std::unique_ptr<RawClient>> clients;
    for (std::size_t i = 0; i < 2 * kMaxWrites + 50; ++i) {
        clients.push_back(std::make_unique<RawClient>(port));
        ASSERT_EQ(clients.back()->upgrade(kTarget), 101u);
        if (i == 0) {
            subscribe(*clients[0], "news");
        } else {
            clients[i]->write_text(R"({"event":"pusher:subscribe","data":{"channel":"news"}})");
            ASSERT_TRUE(clients[i]->read_text().starts_with(R"({"event":"pusher_internal:subscription_succeeded")"));
        }
    }
    for (int n = 0; n < 3; ++n) {
        deliver("news", R"(,"event":"e","data":")" + std::to_string(n) + R"("})");
        for (std::size_t i = static_cast<std::size_t>(n) + 1; i < clients.size(); i += 4) {
            clients[i].reset();
        }
    }
    for (std::size_t i = 0; i < clients.size(); i += 4) {
        for (int n = 0; n < 3; ++n) {
            ASSERT_EQ(clients[i]->read_text(),
                      R"({"channel":"news","event":"e","data":")" + std::to_string(n) + R"("})");
        }
    }
}

TEST_F(ShardTest, TellsTheHubWhenTheLastSubscriberClosesItsSocket) {
    make_ready();
    {
        RawClient client(port);
        ASSERT_EQ(client.upgrade(kTarget), 101u);
        subscribe(client, "news");
    }
    const auto left = hub.next<mesh::Unsubscribe>();
    ASSERT_TRUE(left.has_value());
    EXPECT_EQ(left->channel, "app/news");
}

TEST_F(ShardTest, TellsSubscribersOfAGap) {
    make_ready();
    RawClient client(port);
    ASSERT_EQ(client.upgrade(kTarget), 101u);
    subscribe(client, "news");
    tell(mesh::Gap{"app/news", 7});
    EXPECT_EQ(client.read_text(), R"({"channel":"news","event":"tulle:gap","data":"{\"missing\":7}"})");
    tell(mesh::Gap{"", 0});
    EXPECT_EQ(client.read_text(), R"({"channel":"news","event":"tulle:gap","data":"{\"missing\":0}"})");
}

TEST_F(ShardTest, ClosesSubscribersOverAGapWhereTheAppWantsIt) {
    make_ready();
    const auto join = [this](RawClient& client, const std::string& channel) {
        ASSERT_EQ(client.upgrade("/app/strict-key?protocol=7"), 101u);
        client.write_text(R"({"event":"pusher:subscribe","data":{"channel":")" + channel + R"("}})");
    };
    RawClient first(port);
    RawClient second(port);
    RawClient elsewhere(port);
    RawClient lenient(port);
    join(first, "news");
    const auto asked = hub.next<mesh::Subscribe>();
    ASSERT_TRUE(asked.has_value());
    tell(mesh::Subscribed{"strict/news", asked->generation});
    join(second, "news");
    join(elsewhere, "sport");
    const auto other = hub.next<mesh::Subscribe>();
    ASSERT_TRUE(other.has_value());
    tell(mesh::Subscribed{"strict/sport", other->generation});
    for (RawClient* client : {&first, &second, &elsewhere}) {
        EXPECT_TRUE(client->read_text().starts_with(R"({"event":"pusher_internal:subscription_succeeded")"));
    }
    ASSERT_EQ(lenient.upgrade(kTarget), 101u);
    subscribe(lenient, "news");
    tell(mesh::Gap{"strict/news", 7});
    for (RawClient* client : {&first, &second}) {
        EXPECT_NE(client->read_text().find("4200"), std::string::npos);
        EXPECT_EQ(client->read_text(), "close 4200");
    }
    EXPECT_EQ(shard.counters().gap_closes_total.get(), 2u);
    tell(mesh::Gap{"", 1});
    EXPECT_EQ(lenient.read_text(), R"({"channel":"news","event":"tulle:gap","data":"{\"missing\":1}"})");
    EXPECT_NE(elsewhere.read_text().find("4200"), std::string::npos);
    EXPECT_EQ(elsewhere.read_text(), "close 4200");
}

TEST_F(ShardTest, AnswersAQueryOfTheMesh) {
    make_ready();
    RawClient client(port);
    ASSERT_EQ(client.upgrade(kTarget), 101u);
    subscribe(client, "news");
    tell(mesh::LocalQuery{99, R"({"app":"app","prefix":""})"});
    const auto answer = hub.next<mesh::LocalAnswer>();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->token, 99u);
    EXPECT_EQ(answer->body, R"({"rows":[["news",1]]})");
    EXPECT_TRUE(answer->last);
}

TEST_F(ShardTest, TakesUsersIntoPresenceChannelsAndTellsOfThem) {
    make_ready();
    RawClient client(port);
    ASSERT_EQ(client.upgrade(kTarget), 101u);
    ask_presence(client, "10");
    const auto asked = hub.next<mesh::Subscribe>();
    ASSERT_TRUE(asked.has_value());
    EXPECT_TRUE(asked->presence);
    const std::vector<mesh::PresenceMember> list{{"7", share("7\n{}")}};
    tell(mesh::Subscribed{asked->channel, asked->generation,
                          std::make_shared<const std::vector<mesh::PresenceMember>>(list)});
    const auto joining = hub.next<mesh::MemberJoin>();
    ASSERT_TRUE(joining.has_value());
    EXPECT_EQ(joining->member.user, "10");
    EXPECT_EQ(joining->max_members, kDefaultMaxPresenceMembers);
    deliver("presence-a", R"(,"event":"e","data":"too early"})");
    tell(mesh::MemberChanged{asked->channel, joining->member, true});
    tell(mesh::MemberJoined{joining->id, mesh::JoinOutcome::kJoined});
    EXPECT_NE(client.read_text().find(R"(\"count\":2,\"ids\":[10,7])"), std::string::npos);
    tell(mesh::MemberChanged{asked->channel, {"bob", share("\"bob\"\n")}, true});
    EXPECT_EQ(client.read_text(),
              R"({"channel":"presence-a","event":"pusher_internal:member_added","data":"{\"user_id\":\"bob\"}"})");
    tell(mesh::MemberChanged{asked->channel, {"7", nullptr}, false});
    EXPECT_EQ(client.read_text(),
              R"({"channel":"presence-a","event":"pusher_internal:member_removed","data":"{\"user_id\":7}"})");
    client.write_text(R"({"event":"pusher:unsubscribe","data":{"channel":"presence-a"}})");
    const auto left = hub.next<mesh::MemberLeave>();
    ASSERT_TRUE(left.has_value());
    EXPECT_EQ(left->user, "10");
    EXPECT_TRUE(hub.next<mesh::Unsubscribe>().has_value());
}

TEST_F(ShardTest, TellsAUserThatThePresenceChannelIsFull) {
    make_ready();
    RawClient client(port);
    ASSERT_EQ(client.upgrade(kTarget), 101u);
    ask_presence(client, "10");
    const auto asked = hub.next<mesh::Subscribe>();
    ASSERT_TRUE(asked.has_value());
    tell(mesh::Subscribed{asked->channel, asked->generation,
                          std::make_shared<const std::vector<mesh::PresenceMember>>()});
    tell(mesh::MemberJoined{hub.next<mesh::MemberJoin>().value().id, mesh::JoinOutcome::kFull});
    const std::string answer = client.read_text();
    EXPECT_TRUE(answer.starts_with(R"({"event":"pusher:subscription_error","channel":"presence-a")")) << answer;
    EXPECT_NE(answer.find("\"status\":4100"), std::string::npos);
    EXPECT_TRUE(hub.next<mesh::Unsubscribe>().has_value());
}

TEST_F(ShardTest, LeavesTheUsersOfADrainingNodeToTheMesh) {
    make_ready();
    auto client = std::make_unique<RawClient>(port);
    ASSERT_EQ(client->upgrade(kTarget), 101u);
    ask_presence(*client, "10");
    const auto asked = hub.next<mesh::Subscribe>();
    ASSERT_TRUE(asked.has_value());
    tell(mesh::Subscribed{asked->channel, asked->generation,
                          std::make_shared<const std::vector<mesh::PresenceMember>>()});
    tell(mesh::MemberJoined{hub.next<mesh::MemberJoin>().value().id, mesh::JoinOutcome::kJoined});
    EXPECT_NE(client->read_text(), "");
    std::promise<void> drained;
    shard.stop_accepting();
    shard.drain([&drained] { drained.set_value(); });
    client.reset();
    ASSERT_EQ(drained.get_future().wait_for(5s), std::future_status::ready);
    std::vector<mesh::FromShard> said;
    hub.mailbox().take_all(said);
    for (const mesh::FromShard& item : said) {
        EXPECT_FALSE(std::holds_alternative<mesh::MemberLeave>(item.second));
        EXPECT_FALSE(std::holds_alternative<mesh::Unsubscribe>(item.second));
    }
}

TEST_F(ShardTest, ClosesAClientThatFloodsItWithPings) {
    make_ready();
    RawClient client(port);
    ASSERT_EQ(client.upgrade(kTarget), 101u);
    std::string pings;
    for (std::size_t i = 0; i <= kMaxControlFrames; ++i) {
        pings += std::string("\x89\x80\0\0\0\0", 6);
    }
    client.write(pings);
    EXPECT_EQ(client.read_close(), "close 1008");
}

TEST_F(ShardTest, ShowsBytesOfAnotherProtocolAsTextAndTellsOfWhatIsTooLongAsSuch) {
    make_ready();
    RawClient client(port);
    ASSERT_EQ(client.upgrade(kTarget), 101u);
    subscribe(client, "news");
    const auto bytes = [this](std::string data) {
        mesh::Deliver made = delivery("news", R"(,"event":"e"})");
        auto record = std::make_shared<mesh::Record>(*made.record);
        record->body = share(EventBody("e", data, DataKind::kBytes));
        tell(mesh::Deliver{record});
    };
    bytes("a \"text\"");
    EXPECT_EQ(client.read_text(), R"({"channel":"news","event":"e","data":"a \"text\""})");
    bytes("\xff");
    EXPECT_EQ(client.read_text(), R"({"channel":"news","event":"e","data":"/w==","encoding":"base64"})");
    bytes(std::string(kMaxEventTailBytes / 2, '\x01'));  // six bytes each as an escape
    EXPECT_NE(client.read_text().find("tulle:gap"), std::string::npos);
    deliver("news", R"(,"event":"e","data":"after"})");
    EXPECT_NE(client.read_text().find("after"), std::string::npos);
    EXPECT_EQ(shard.counters().gaps_told_total.get(), 1u);
}

TEST_F(ShardTest, AnswersAPublishWhenTheHubHasNumberedIt) {
    make_ready();
    RawClient client(port);
    client.write(signed_publish());
    const auto publish = hub.next<mesh::Publish>();
    ASSERT_TRUE(publish.has_value());
    EXPECT_EQ(publish->channels, std::vector<std::string>{"app/news"});
    EXPECT_EQ(*publish->body, EventBody("e", "\"d\""));
    tell(mesh::Published{publish->id, mesh::PublishOutcome::kAccepted});
    EXPECT_EQ(client.read_status(), 200u);
    client.write(signed_publish());
    tell(mesh::Published{hub.next<mesh::Publish>().value().id, mesh::PublishOutcome::kNotReady});
    EXPECT_EQ(client.read_status(), 503u);
}

TEST_F(ShardTest, RefusesAPublishWhileTheHubIsFull) {
    make_ready();
    for (std::size_t i = 0; i < kHubItems; ++i) {
        mesh::FromShard filler{mesh::ShardIndex{9}, mesh::StatusRequest{}};
        ASSERT_EQ(hub.mailbox().try_push(std::move(filler)), Push::kAccepted);
    }
    RawClient client(port);
    client.write(signed_publish());
    EXPECT_EQ(client.read_status(), 503u);
    std::vector<mesh::FromShard> items;
    hub.mailbox().take_all(items);
    client.write(signed_publish());
    ASSERT_TRUE(hub.next<mesh::Publish>().has_value());
    EXPECT_EQ(shard.counters().http_publishes_refused_total.get(), 1u);
}

TEST_F(ShardTest, LosesNoClientEventOverAFullHub) {
    make_ready();
    RawClient client(port);
    ASSERT_EQ(client.upgrade(kTarget), 101u);
    subscribe(client, "private-a");
    constexpr int kEvents = 100;
    for (int i = 0; i < kEvents; ++i) {
        client.write_text(R"({"event":"client-e","channel":"private-a","data":)" + std::to_string(i) + "}");
    }
    for (int i = 0; i < kEvents; ++i) {
        const auto publish = hub.next<mesh::Publish>();
        ASSERT_TRUE(publish.has_value()) << i;
        EXPECT_EQ(*publish->body, EventBody("client-e", std::to_string(i)));
        EXPECT_EQ(publish->exclude_socket, client.socket_id());
    }
}

TEST_F(ShardTest, TellsTheSenderOfAClientEventThatWasRefused) {
    make_ready();
    RawClient client(port);
    ASSERT_EQ(client.upgrade(kTarget), 101u);
    subscribe(client, "private-a");
    client.write_text(R"({"event":"client-e","channel":"private-a","data":1})");
    tell(mesh::Published{hub.next<mesh::Publish>().value().id, mesh::PublishOutcome::kNotReady});
    EXPECT_NE(client.read_text().find("\"code\":4301"), std::string::npos);
}

TEST_F(ShardTest, AsksItsClientsToReconnectWhenItDrains) {
    make_ready();
    RawClient client(port);
    ASSERT_EQ(client.upgrade(kTarget), 101u);
    std::promise<void> drained;
    shard.stop_accepting();
    shard.drain([&drained] { drained.set_value(); });
    EXPECT_NE(client.read_text().find("\"code\":4200"), std::string::npos);
    EXPECT_EQ(client.read_text(), "close 4200");
    client.write(std::string_view("\x88\x82\0\0\0\0\x10\x68", 8));
    EXPECT_EQ(drained.get_future().wait_for(5s), std::future_status::ready);
}

TEST_F(ShardTest, GivesAClientWhatTheHubGaveBeforeTheDrainThenTheClose) {
    make_ready();
    RawClient client(port);
    ASSERT_EQ(client.upgrade(kTarget), 101u);
    subscribe(client, "a");
    constexpr int kEvents = 100;
    for (int i = 0; i < kEvents; ++i) {
        deliver("a", R"(,"event":"e","data":"d"})");
    }
    shard.stop_accepting();
    shard.drain([] {});
    for (int i = 0; i < kEvents; ++i) {
        ASSERT_EQ(client.read_text(), R"({"channel":"a","event":"e","data":"d"})") << i;
    }
    EXPECT_NE(client.read_text().find("\"code\":4200"), std::string::npos);
    EXPECT_EQ(client.read_text(), "close 4200");
}

TEST_F(ShardTest, CutsAClientThatDoesNotAnswerItsClose) {
    make_ready();
    RawClient client(port);
    ASSERT_EQ(client.upgrade(kTarget), 101u);
    const auto is_drained = std::make_shared<std::atomic<bool>>(false);
    const auto cut = std::make_shared<std::promise<void>>();
    shard.drain([is_drained] { *is_drained = true; });
    EXPECT_EQ(client.read_close(), "close 4200");
    EXPECT_EQ(shard.counters().sockets.get(), 1u);
    shard.cut([cut] { cut->set_value(); });
    ASSERT_EQ(cut->get_future().wait_for(5s), std::future_status::ready);
    EXPECT_EQ(shard.counters().clients_cut_total.get(), 1u);
    EXPECT_FALSE(*is_drained);
}

TEST_F(ShardTest, LetsNoClientInOnceItDrains) {
    make_ready();
    RawClient held(port);
    ASSERT_EQ(held.upgrade(kTarget), 101u);
    RawClient late(port);
    late.write("GET ");  // accepted, its request under way
    while (shard.counters().sockets.get() < 2) {
        std::this_thread::yield();
    }
    shard.stop_accepting();
    shard.drain([] {});
    EXPECT_EQ(held.read_close(), "close 4200");
    late.write("/ready HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(late.read_status(), 503u);
}

TEST_F(ShardTest, ClosesAConnectionThatIsRefusedWithItsCode) {
    make_ready();
    RawClient client(port);
    EXPECT_EQ(client.upgrade("/app/unknown?protocol=7"), 101u);
    EXPECT_EQ(client.read_text(), "close 4001");
    EXPECT_EQ(shard.counters().clients_refused_total.get(), 1u);
}

}  // namespace
}  // namespace tulle::node::shard_test
