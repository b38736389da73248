#include "node/app/redis_bridge.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "node/core/limits.hpp"
#include "node/pusher/core/limits.hpp"

namespace tulle::node::redis_bridge_test {
namespace {

using Names = std::vector<std::string>;

constexpr Instant kNow{std::chrono::hours{1}};

/// The bridge of a shard, for a realm with an app.
class RedisBridgeTest : public ::testing::Test {
protected:
    RedisBridgeTest() {
        app_.id = "app";
        app_.key = "key";
        app_.secret = "secret";
        realm_.app = "app";
        make();
    }

    void make() {
        const AppTable apps({app_});
        bridge_ = std::make_unique<RedisBridge>(apps, std::make_shared<AppRations>(apps), limits_,
                                                OutboxLimits{kMaxOutboxBytes, kWriteTimeout});
    }

    std::optional<mesh::Publish> map(std::string_view channel, std::string_view payload, Instant now = kNow) {
        return bridge_->map(realm_, counters_, channel, payload, now);
    }
    /// Channels, name, data and excluded socket in a line; "none" without an event.
    std::string mapped(std::string_view channel, std::string_view payload) {
        const std::optional<mesh::Publish> publish = map(channel, payload);
        if (!publish) {
            return "none";
        }
        EXPECT_EQ(publish->id, 0u) << "nobody waits for an answer";
        EXPECT_EQ(publish->body->kind(), DataKind::kJson);
        EXPECT_EQ(publish->body->sender(), "");
        std::string text;
        for (const std::string& key : publish->channels) {
            text += key + " ";
        }
        text += std::string(publish->body->name()) + " " + std::string(publish->body->data());
        return publish->exclude_socket.empty() ? text : text + " without " + publish->exclude_socket;
    }
    /// What the log says of a publish that becomes no event; "mapped" for an event.
    std::string why_not(std::string_view channel, std::string_view payload) {
        log_ = RedisBridgeLog();
        make();
        ::testing::internal::CaptureStdout();
        const bool is_mapped = map(channel, payload).has_value();
        const std::string text = ::testing::internal::GetCapturedStdout();
        const std::size_t begin = text.find(": 1, the last on ");
        return is_mapped                    ? "mapped"
               : begin == std::string::npos ? text
                                            : text.substr(begin + 17, text.size() - begin - 18);
    }

    App app_;
    redis::Realm realm_{"shop", "a secret of the shop", {"shop"}};
    redis::RealmCounters counters_;
    std::shared_ptr<NodeLimits> limits_ = std::make_shared<NodeLimits>(NodeLimitsOptions{});
    RedisBridgeLog log_;
    std::unique_ptr<RedisBridge> bridge_;
};

TEST_F(RedisBridgeTest, MakesAnEventOfWhatLaravelPublishes) {
    realm_.app_prefix = "laravel_database_";
    EXPECT_EQ(mapped("laravel_database_private-orders.7",
                     R"({"event":"App\\Events\\Shipped","data":{"id":7,"by":"\u00e9\/"},"socket":"123.456"})"),
              R"(app/private-orders.7 App\Events\Shipped "{\"id\":7,\"by\":\"\\u00e9\\/\"}" without 123.456)");
    EXPECT_EQ(mapped("laravel_database_orders", R"({"event":"E","data":[],"socket":null})"), R"(app/orders E "[]")");
    EXPECT_EQ(counters_.app_events_total.get(), 2u);
    EXPECT_EQ(counters_.app_events_refused_total.get(), 0u);
}

TEST_F(RedisBridgeTest, KeepsEachValueSoThatClientsParseWhatWasPublished) {
    EXPECT_EQ(mapped("c", R"({"event":"e","data":"text"})"), R"(app/c e "\"text\"")");
    EXPECT_EQ(mapped("c", R"({"event":"e","data":"{\"a\":1}"})"), R"(app/c e "\"{\\\"a\\\":1}\"")")
        << "a string stays one";
    EXPECT_EQ(mapped("c", R"({"data": 1.50 ,"event":"e"})"), R"(app/c e "1.50")");
    EXPECT_EQ(mapped("c", R"({"event":"e","data":null})"), R"(app/c e "null")");
    EXPECT_EQ(mapped("c", R"({"event":"e"})"), R"(app/c e "null")") << "as socket.io tells of nothing";
    EXPECT_EQ(mapped("c", "{\"event\":\"e\",\"data\":{\n\"a\":1}}"), R"(app/c e "{\n\"a\":1}")");
    EXPECT_EQ(mapped("c", R"({"event":"e","data":"\ud800","more":1})"), R"(app/c e "\"\\ud800\"")");
}

TEST_F(RedisBridgeTest, LeavesOutNobodyForAWordThatIsNoSocketId) {
    for (const std::string socket : {"\"\"", "\"undefined\"", "\"R2dqoP0Gs8fLAAAB\"", "7", "1.5", "{}", "true"}) {
        EXPECT_EQ(mapped("c", R"({"event":"e","data":1,"socket":)" + socket + "}"), R"(app/c e "1")") << socket;
    }
}

TEST_F(RedisBridgeTest, LeavesTheChannelsOfOthersAlone) {
    EXPECT_EQ(mapped("orders", R"({"event":"e"})"), R"(app/orders e "null")") << "no prefix: each channel is the app's";
    realm_.app_prefix = "shop_";
    EXPECT_EQ(mapped("shop", R"({"event":"e"})"), "none");
    EXPECT_EQ(mapped("socket.io#/#", "\x93 msgpack"), "none");
    EXPECT_EQ(counters_.app_events_refused_total.get(), 0u) << "not meant for the app";
    EXPECT_EQ(mapped("shop_", R"({"event":"e"})"), "none") << "a channel without a name";
    EXPECT_EQ(counters_.app_events_refused_total.get(), 1u);
    realm_.app.clear();
    EXPECT_EQ(mapped("shop_a", R"({"event":"e"})"), "none");
    EXPECT_EQ(counters_.app_events_refused_total.get(), 1u);
}

TEST_F(RedisBridgeTest, TakesTheChannelsOfTheHttpApiAndNoOthers) {
    const std::string payload = R"({"event":"e","data":1})";
    for (const std::string name : {"a", "presence-room", "private-encrypted-x", "#server-to-user-7"}) {
        EXPECT_EQ(mapped(name, payload), "app/" + name + R"( e "1")");
    }
    EXPECT_EQ(mapped(std::string(200, 'x'), payload), "app/" + std::string(200, 'x') + R"( e "1")");
    for (const std::string& name : {std::string("a b"), std::string("a/b"), std::string(201, 'x'), std::string("#x"),
                                    std::string("a\0", 2), std::string("a\r\nb"), std::string()}) {
        EXPECT_TRUE(why_not(name, payload).starts_with("a channel with a strange name: the HTTP API refuses") ||
                    why_not(name, payload).starts_with("the channel " + name + ": the HTTP API refuses"))
            << why_not(name, payload);
    }
    EXPECT_EQ(why_not("#server-to-user-\xff", payload),
              "a channel with a strange name: the name of the channel is not UTF-8");
    app_.max_channel_name_length = 3;
    make();
    EXPECT_EQ(mapped("abcd", payload), "none");
    EXPECT_EQ(mapped("abc", payload), R"(app/abc e "1")");
}

TEST_F(RedisBridgeTest, KeepsTheEventOfACacheChannel) {
    const std::optional<mesh::Publish> kept = map("private-cache-price", R"({"event":"e","data":1})");
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->retained, 1u);
    EXPECT_EQ(kept->keep_for, kDefaultCacheTtl);
    const std::optional<mesh::Publish> not_kept = map("price", R"({"event":"e","data":1})");
    ASSERT_TRUE(not_kept);
    EXPECT_EQ(not_kept->retained, 0u);
}

TEST_F(RedisBridgeTest, SaysWhatIsWrongWithAPayload) {
    const std::string no_object =
        "the channel c: the payload is not a JSON object in UTF-8, nested up to 512, of up to 64 members";
    for (const std::string payload :
         {"", "x", "[]", "\"e\"", "{\"event\":\"e\"", "{\"event\":\"e\"} x", "{\"event\":\"\xff\"}"}) {
        EXPECT_EQ(why_not("c", payload), no_object) << payload;
    }
    for (const std::string payload : {"{}", R"({"event":null})", R"({"event":7})", R"({"name":"e","data":1})"}) {
        EXPECT_EQ(why_not("c", payload), "the channel c: the payload has no string event") << payload;
    }
    EXPECT_EQ(why_not("c", R"({"event":"e","data":1,"data":2})"),
              "the channel c: event, data or socket comes twice in the payload");
    EXPECT_EQ(why_not("c", R"({"event":""})"),
              "the channel c: the HTTP API refuses such an event: name must be a string of 1 to 200 characters, or"
              " fewer, where the app says so");
    EXPECT_EQ(why_not("c", R"({"event":")" + std::string(200, 'e') + "\"}"), "mapped");
    EXPECT_NE(why_not("c", R"({"event":")" + std::string(201, 'e') + "\"}"), "mapped");
    EXPECT_EQ(counters_.app_events_total.get(), 1u);
    EXPECT_EQ(counters_.app_events_refused_total.get(), 14u);
}

TEST_F(RedisBridgeTest, HoldsToTheLimitsOfTheApp) {
    app_.max_event_bytes = 10;
    EXPECT_EQ(why_not("c", R"({"event":"e","data":[1234,678]})"), "mapped") << "10 bytes as the client sees the data";
    EXPECT_EQ(why_not("c", R"({"event":"e","data":[1234,6789]})"),
              "the channel c: the HTTP API refuses such an event: The data content of this event exceeds the allowed"
              " maximum of the app");
    app_.max_event_bytes = kMaxEventBytes;
    EXPECT_NE(why_not("c", R"({"event":"e","data":")" + std::string(kMaxEventBytes, 'x') + "\"}"), "mapped");
    limits_->set_pressure(Pressure::kShedding);
    EXPECT_EQ(why_not("c", R"({"event":"e"})"), "the channel c: the node has too little memory for more events");
    limits_->set_pressure(Pressure::kNone);
    app_.enabled = false;
    EXPECT_EQ(why_not("c", R"({"event":"e"})"), "the channel c: the app is disabled");
    realm_.app = "other";
    EXPECT_EQ(why_not("c", R"({"event":"e"})"), "the channel c: there is no such app");
}

TEST_F(RedisBridgeTest, AnEventTooLargeForAnOutboxIsNone) {
    app_.max_event_bytes = kMaxEventBytes;
    const AppTable apps({app_});
    RedisBridge bridge(apps, std::make_shared<AppRations>(apps), limits_, OutboxLimits{64u << 10, kWriteTimeout});
    const std::string large = R"({"event":"e","data":")" + std::string(64u << 10, 'x') + "\"}";
    EXPECT_FALSE(bridge.map(realm_, counters_, "c", large, kNow));
    EXPECT_TRUE(bridge.map(realm_, counters_, "c", R"({"event":"e"})", kNow));
}

TEST_F(RedisBridgeTest, TakesPointsOfTheAppsAllowance) {
    app_.max_backend_events_per_second = 3;
    make();
    int events = 0;
    for (int i = 0; i < 10; ++i) {
        events += map("c", R"({"event":"e"})") ? 1 : 0;
        EXPECT_FALSE(map("c", "no event costs no point"));
    }
    EXPECT_EQ(events, 3);
    EXPECT_TRUE(map("c", R"({"event":"e"})", kNow + 2s));
}

TEST_F(RedisBridgeTest, ServesTheAppsOfTheLastReload) {
    realm_.app = "later";
    EXPECT_EQ(mapped("c", R"({"event":"e"})"), "none");
    App later = app_;
    later.id = "later";
    later.key = "later-key";
    bridge_->set_apps(AppTable({app_, later}));
    EXPECT_EQ(mapped("c", R"({"event":"e"})"), R"(later/c e "null")");
    bridge_->set_apps(AppTable({app_}));
    EXPECT_EQ(mapped("c", R"({"event":"e"})"), "none");
}

TEST_F(RedisBridgeTest, TheLogTellsOncePerIntervalAndRealm) {
    const auto line = [this](std::string_view channel, Instant now) {
        return log_.line(realm_, channel, "it is wrong", now).value_or("");
    };
    EXPECT_EQ(line("a", kNow),
              "publishes in the Redis realm shop became no events of the app app: 1, the last on the channel a: it is"
              " wrong");
    EXPECT_EQ(line("a", kNow), "");
    EXPECT_EQ(line("a", kNow + RedisBridgeLog::kInterval - 1ns), "");
    EXPECT_EQ(line("a\nb", kNow + RedisBridgeLog::kInterval),
              "publishes in the Redis realm shop became no events of the app app: 3, the last on a channel with a"
              " strange name: it is wrong");
    realm_.name = "other";
    EXPECT_NE(line("a", kNow), "") << "a line of another realm hides nothing";
}

}  // namespace
}  // namespace tulle::node::redis_bridge_test
