#include <string>

#include <gtest/gtest.h>

#include "mesh/base/digest.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/core/limits.hpp"
#include "node/pusher/wire/channel_query.hpp"
#include "node/pusher/wire/http_api.hpp"
#include "tests/unit/node/event_of.hpp"

namespace tulle::node::pusher::http_users_test {
namespace {

constexpr WallSeconds kNow{std::chrono::seconds{1'700'000'000}};

AppTable apps(Duration cache_ttl) {
    App app;
    app.id = "app";
    app.key = "key";
    app.secret = "secret";
    app.cache_ttl = cache_ttl;
    return AppTable({app});
}

ApiAction act(const std::string& method, const std::string& path, const std::string& body = "",
              const std::string& more = "", Duration cache_ttl = 60s) {
    std::string query = "auth_key=key&auth_timestamp=1700000000&auth_version=1.0";
    query += body.empty() ? "" : "&body_md5=" + md5_hex(body);
    query += more;
    const std::string signature = hmac_sha256_hex("secret", method + "\n" + path + "\n" + query);
    return handle({method, path + "?" + query + "&auth_signature=" + signature, body}, apps(cache_ttl), kNow);
}

ApiAction publish(const std::string& body, Duration cache_ttl = 60s) {
    return act("POST", "/apps/app/events", body, "", cache_ttl);
}

ApiAction read(const std::string& channel, const std::string& info) {
    return act("GET", "/apps/app/channels" + channel, "", "&info=" + info);
}

unsigned status_of(const ApiAction& action) {
    const auto* respond = std::get_if<Respond>(&action);
    return respond == nullptr ? 0 : respond->response.status;
}

TEST(HttpCache, IsKeptByTheCacheChannelsWhichComeFirst) {
    const std::string body = R"({"name":"e","channels":["a","cache-b","not-cache-c","presence-cache-d"],"data":"d"})";
    const EventBody sent = event_of(R"(,"event":"e","data":"d"})");
    EXPECT_EQ(publish(body),
              (ApiAction{ApiWork{
                  {{{"app/cache-b", "app/presence-cache-d", "app/a", "app/not-cache-c"}, sent, "", 2, 60s}}, {}, {}}}));
    EXPECT_EQ(
        publish(body, 0s),
        (ApiAction{ApiWork{{{{"app/a", "app/cache-b", "app/not-cache-c", "app/presence-cache-d"}, sent, ""}}, {}, {}}}))
        << "nothing is kept, so the order stays";
    EXPECT_EQ(publish(R"({"name":"e","channel":"a","data":"d"})"),
              (ApiAction{ApiWork{{{{"app/a"}, sent, ""}}, {}, {}}}));
}

TEST(HttpCache, IsAnAttributeOfCacheChannelsAlone) {
    const auto asked = read("/cache-a", "cache,subscription_count");
    ASSERT_TRUE(std::holds_alternative<ApiWork>(asked));
    EXPECT_EQ(std::get<ApiWork>(asked).retained, std::vector<std::string>{"app/cache-a"});
    EXPECT_TRUE(std::get<ApiWork>(asked).plan.wants_cache);
    const auto without = read("/cache-a", "subscription_count");
    EXPECT_TRUE(std::get<ApiWork>(without).retained.empty());
    EXPECT_EQ(status_of(read("/a", "cache")), 400u);
    EXPECT_EQ(status_of(read("/private-encrypted-cache-a", "cache")), 0u);
    EXPECT_EQ(status_of(read("", "cache")), 400u);
    EXPECT_EQ(status_of(publish(R"({"name":"e","channel":"cache-a","data":"d","info":"cache"})")), 400u);
}

TEST(HttpCache, IsAnsweredWithTheDataAndTheTimeLeft) {
    const AnswerPlan plan{AnswerPlan::Shape::kChannel, "cache-a", {}, true};
    const auto body_of = [&plan](const CachedEvent* cached) { return render(plan, {}, {}, cached).body; };
    const CachedEvent cached{share(event_of(R"(,"event":"e","data":"{\"x\":\"\u00e9\"}"})")), 1500ms};
    EXPECT_EQ(body_of(&cached),
              R"({"occupied":false,"subscription_count":0,"cache":{"data":"{\"x\":\"\u00e9\"}","ttl":2}})");
    const std::string none = R"({"occupied":false,"subscription_count":0,"cache":null})";
    const CachedEvent over{cached.body, 0s};
    const CachedEvent empty;
    EXPECT_EQ(body_of(&over), none);
    EXPECT_EQ(body_of(&empty), none);
    EXPECT_EQ(body_of(nullptr), none);
    EXPECT_EQ(render({AnswerPlan::Shape::kChannel, "cache-a"}, {}, {}, &cached).body,
              R"({"occupied":false,"subscription_count":0})");
}

TEST(HttpUsers, AreSentEventsByTheirOwnChannels) {
    const EventBody sent = event_of(R"(,"event":"e","data":"d"})");
    EXPECT_EQ(publish(R"({"name":"e","channels":["#server-to-user-a\"\u00e9"],"data":"d"})"),
              (ApiAction{ApiWork{{{{"app/#server-to-user-a\"\xc3\xa9"}, sent, ""}}, {}, {}}}));
    EXPECT_EQ(status_of(act("POST", "/apps/app/batch_events",
                            R"({"batch":[{"name":"e","channel":"#server-to-user-a","data":"d"}]})")),
              0u);
    const std::string longest(kMaxSignInIdCharacters, 'u');
    EXPECT_EQ(status_of(publish(R"({"name":"e","channel":"#server-to-user-)" + longest + R"(","data":"d"})")), 0u);
    for (const std::string& name : {std::string("#server-to-user-"), "#server-to-user-u" + longest,
                                    std::string("#online-a"), std::string("#"), std::string("a#server-to-user-a")}) {
        EXPECT_EQ(status_of(publish(R"({"name":"e","channel":")" + name + R"(","data":"d"})")), 400u) << name;
    }
    EXPECT_EQ(
        status_of(publish(R"({"name":"e","channel":"#server-to-user-a","data":"d","info":"subscription_count"})")),
        400u);
    EXPECT_EQ(status_of(read("/%23server-to-user-a", "")), 400u);
    EXPECT_EQ(status_of(read("/%23server-to-user-a/users", "")), 400u);
    EXPECT_EQ(status_of(act("GET", "/apps/app/channels", "", "&filter_by_prefix=#")), 400u);
}

TEST(HttpUsers, AreEndedByAnEventAndAQueryThatEveryShardHears) {
    const ApiAction ended = act("POST", "/apps/app/users/a%20b/terminate_connections", "{}");
    EXPECT_EQ(ended, (ApiAction{ApiWork{{{{online_key("app", "a b")}, EventBody("tulle:end", {}), ""}},
                                        {encode(EndUser{"app", "a b"})},
                                        {}}}));
    EXPECT_EQ(act("POST", "/apps/app/users/a%20b/terminate_connections"), ended);
    EXPECT_EQ(act("POST", "/apps/app/users/a b/terminate_connections"), ended);
    EXPECT_EQ(status_of(act("GET", "/apps/app/users/a/terminate_connections")), 405u);
    EXPECT_EQ(status_of(act("POST", "/apps/app/users//terminate_connections")), 400u);
    EXPECT_EQ(status_of(act("POST", "/apps/app/users/%ff/terminate_connections")), 400u);
    EXPECT_EQ(status_of(act("POST", "/apps/app/users/" + std::string(129, 'u') + "/terminate_connections")), 400u);
    EXPECT_EQ(status_of(act("POST", "/apps/app/users/a/b")), 404u);
    EXPECT_EQ(decode_end_user(encode(EndUser{"app", "a\"b"})), (EndUser{"app", "a\"b"}));
    for (const char* text : {"", "{}", R"({"app":"app"})", R"({"app":"a/b","end_user":"u"})",
                             R"({"app":"app","end_user":""})", R"({"app":"app","prefix":""})"}) {
        EXPECT_EQ(decode_end_user(text), std::nullopt) << text;
    }
}

TEST(HttpUsers, AreNotInTheListOfChannels) {
    ChannelTable table;
    ChannelEffects effects;
    for (const char* channel : {"app/a", "app/#server-to-user-x\"y"}) {
        table.subscribe(Slot{1}, channel, needs_of(channel_of_key(channel)), effects);
        table.on_subscribed(channel, table.size(), effects);
    }
    ASSERT_EQ(table.list({}).size(), 2u);
    EXPECT_EQ(answer_channel_query(encode(ChannelQuery{"app", true, {""}}), {table, PresenceRooms{}}, 1000),
              std::vector<std::string>{R"({"rows":[["a",1]]})"});
}

}  // namespace
}  // namespace tulle::node::pusher::http_users_test
