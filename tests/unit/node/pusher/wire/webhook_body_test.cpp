#include "node/pusher/wire/webhook_body.hpp"

#include <gtest/gtest.h>

#include "node/pusher/core/webhook_limits.hpp"
#include "node/pusher/wire/codec.hpp"
#include "node/pusher/wire/event_frame.hpp"
#include "node/pusher/wire/presence.hpp"
#include "node/pusher/wire/raw_json.hpp"

namespace tulle::node::pusher::webhook_body_test {
namespace {

SharedBytes card_of(std::string_view channel_data) {
    return share(parse_member(channel_data, 1000)->card);
}

TEST(WebhookBody, WritesEventsOfChannels) {
    EXPECT_EQ(webhook_event({WebhookEvent::kChannelOccupied, "x", {}, nullptr, 0, nullptr}),
              R"({"name":"channel_occupied","channel":"x"})");
    EXPECT_EQ(webhook_event({WebhookEvent::kSubscriptionCount, "x", {}, nullptr, 7, nullptr}),
              R"({"name":"subscription_count","channel":"x","subscription_count":7})");
    EXPECT_EQ(cache_miss_hook("cache-x"), R"({"name":"cache_miss","channel":"cache-x"})");
}

TEST(WebhookBody, UsersKeepTheTypeOfTheirId) {
    EXPECT_EQ(webhook_event({WebhookEvent::kMemberAdded, "presence-x", "2", card_of(R"({"user_id":2})"), 0, nullptr}),
              R"({"name":"member_added","channel":"presence-x","user_id":2})");
    EXPECT_EQ(
        webhook_event({WebhookEvent::kMemberRemoved, "presence-x", "2", card_of(R"({"user_id":"2"})"), 0, nullptr}),
        R"({"name":"member_removed","channel":"presence-x","user_id":"2"})");
    EXPECT_EQ(webhook_event({WebhookEvent::kMemberRemoved, "presence-x", "a\"b", nullptr, 0, nullptr}),
              R"({"name":"member_removed","channel":"presence-x","user_id":"a\"b"})");
}

TEST(WebhookBody, TypedSdksAreSentStrings) {
    EXPECT_EQ(with_strings(R"({"name":"member_added","channel":"presence-x","user_id":2})"),
              R"({"name":"member_added","channel":"presence-x","user_id":"2"})");
    EXPECT_EQ(
        with_strings(
            R"({"name":"client_event","channel":"presence-x","socket_id":"1.2","event":"client-e","data":{"a" : "\ud83d"},"user_id":7})"),
        R"({"name":"client_event","channel":"presence-x","socket_id":"1.2","event":"client-e","data":"{\"a\" : \"\\ud83d\"}","user_id":"7"})");
    for (const char* same : {R"({"name":"client_event","channel":"x","event":"client-e","data":"{\"a\":1}"})",
                             R"({"name":"client_event","channel":"x","event":"client-e"})",
                             R"({"name":"subscription_count","channel":"x","subscription_count":7})"}) {
        EXPECT_EQ(with_strings(same), same);
    }
    EXPECT_EQ(with_strings(R"({"name":"client_event","data":null})"), R"({"name":"client_event","data":"null"})");
}

TEST(WebhookBody, KeepsTypesThatEveryReaderTakes) {
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    const auto hook = [](std::string_view data) {
        return "{\"event\":\"client-e\",\"data\":" + std::string(data) + ",\"user_id\":7}";
    };
    const std::string digits(308, '9');
    for (const std::string& data :
         {nested(kMaxWebhookValueDepth), std::string(R"({"a":"[[[","b":"\"1e400","c":[1.7e308,-1.7E+308,1e-400]})"),
          std::string("-0"), std::string("0.0e99999999999999999999"), std::string("1e-99999999999999999999"), digits,
          std::string("0.0001e311"), std::string("\"1e400\""), std::string("null"), nested(1)}) {
        EXPECT_EQ(with_readable_types(hook(data)), hook(data));
    }
    for (const std::string& data :
         {nested(kMaxWebhookValueDepth + 1), std::string("1e400"), std::string("[-1.0E+309]"), digits + "0",
          std::string(R"({"a":{"b":[2e308]}})"), std::string("1e99999999999999999999"), std::string("0.1e310"),
          "[" + digits + "9.5,1]"}) {
        EXPECT_EQ(with_readable_types(hook(data)), hook(pusher::quoted(data)));
    }
    EXPECT_EQ(with_readable_types(R"({"name":"member_added","user_id":1e999})"),
              R"({"name":"member_added","user_id":"1e999"})");
    EXPECT_EQ(with_readable_types(R"({"name":"subscription_count","subscription_count":7})"),
              R"({"name":"subscription_count","subscription_count":7})");
}

TEST(WebhookBody, HoldsNothingThatStrictReadersRefuse) {
    EXPECT_EQ(for_strict_readers(R"({"event":"client-\udc00","data":"\ud83d","user_id":"\ud83d\ude00"})"),
              "{\"event\":\"client-\\ufffd\",\"data\":\"\\ufffd\",\"user_id\":\"\\ud83d\\ude00\"}");
    EXPECT_EQ(for_strict_readers(R"({"data":1e99999999999})"), R"({"data":1e00000000000})");
    // Within a string that holds JSON the halves are text: a reader of the outer JSON sees a backslash.
    EXPECT_EQ(for_strict_readers(with_strings(R"({"data":{"a":"\ud83d"}})")), R"({"data":"{\"a\":\"\\ud83d\"}"})");
}

TEST(WebhookBody, AClientEventHoldsWhatTheClientSent) {
    EXPECT_EQ(client_event_hook("private-x", "1.2", EventBody("client-e", R"({"a":1})")),
              R"({"name":"client_event","channel":"private-x","socket_id":"1.2","event":"client-e","data":{"a":1}})");
    EXPECT_EQ(
        client_event_hook("presence-x", "1.2", EventBody("client-e", R"("t")", DataKind::kJson, "7")),
        R"({"name":"client_event","channel":"presence-x","socket_id":"1.2","event":"client-e","data":"t","user_id":7})");
}

TEST(WebhookBody, ARequestIsSignedAsItIs) {
    const std::string body = webhook_body(1700000000123, {share("{\"a\":1}"), share("{}")});
    EXPECT_EQ(body, R"({"time_ms":1700000000123,"events":[{"a":1},{}]})");
    App app;
    app.key = "the-key";
    app.secret = "the-secret";
    // echo -n BODY | openssl dgst -sha256 -hmac the-secret
    EXPECT_EQ(webhook_headers(app, body),
              (HeaderList{{"Content-Type", "application/json"},
                          {"X-Pusher-Key", "the-key"},
                          {"X-Pusher-Signature", "d216febd5488c1607ed68b6fa72f203cd7c79c753e1e54408a20017705f27724"}}));
}

TEST(WebhookBody, TasksGoThereAndBack) {
    const WebhookTask task{WebhookEvent::kClientEvent, R"({"name":"client_event"})"};
    EXPECT_EQ(decode_webhook_task(encode(task)), task);
}

TEST(WebhookBody, OtherTextsAreNoTasks) {
    for (const char* text : {"", "client_event", "client_event\n", "client_event\n[]", "client_event\n{} {}",
                             "other\n{}", "client_event\n{\"a\":1", "{\"name\":\"client_event\"}"}) {
        EXPECT_EQ(decode_webhook_task(text), std::nullopt) << text;
    }
}

TEST(WebhookBody, SubscribersAreToldTheirNumberAsPusherDoes) {
    EXPECT_EQ(event_members(subscription_count_body(3)),
              R"(,"event":"pusher_internal:subscription_count","data":"{\"subscription_count\":3}"})");
}

}  // namespace
}  // namespace tulle::node::pusher::webhook_body_test
