#include "node/pusher/wire/http_api.hpp"

#include <gtest/gtest.h>

#include "mesh/base/digest.hpp"
#include "node/pusher/core/limits.hpp"
#include "node/pusher/wire/http_publish.hpp"
#include "tests/unit/node/event_of.hpp"

namespace tulle::node::pusher::http_api_test {
namespace {

constexpr WallSeconds kNow{std::chrono::seconds{1'700'000'000}};

AppTable apps() {
    App app;
    app.id = "app";
    app.key = "key";
    app.secret = "secret";
    App off = app;
    off.id = "off";
    off.key = "off-key";
    off.enabled = false;
    return AppTable({app, off});
}

HttpRequest signed_request(const std::string& method, const std::string& path, const std::string& body = "",
                           const std::string& more = "", const std::string& key = "key") {
    std::string query = "auth_key=" + key + "&auth_timestamp=1700000000&auth_version=1.0";
    if (!body.empty()) {
        query += "&body_md5=" + md5_hex(body);
    }
    query += more;
    const std::string signature = hmac_sha256_hex("secret", method + "\n" + path + "\n" + query);
    return {method, path + "?" + query + "&auth_signature=" + signature, body};
}

ApiAction act(const HttpRequest& request) {
    static const AppTable table = apps();
    return handle(request, table, kNow);
}

ApiAction publish(const std::string& body) {
    return act(signed_request("POST", "/apps/app/events", body));
}

unsigned status_of(const ApiAction& action) {
    const auto* respond = std::get_if<Respond>(&action);
    return respond == nullptr ? 0 : respond->response.status;
}

ApiAction events(std::vector<PublishEvent> events) {
    return ApiWork{std::move(events), {}, {}};
}

ApiAction reads(const std::string& query, AnswerPlan plan) {
    return ApiWork{{}, {query}, std::move(plan)};
}

TEST(HttpApi, PublishesToChannelsWithTheSourceBytesOfTheData) {
    EXPECT_EQ(publish(R"({"name":"e","channels":["a","private-b","a"],"data":"{\"x\":\"\u00e9\"}","socket_id":"1.2"})"),
              events({{{"app/a", "app/private-b"}, event_of(R"(,"event":"e","data":"{\"x\":\"\u00e9\"}"})"), "1.2"}}));
    EXPECT_EQ(publish(R"({"name":"e","channel":"a","data":"","socket_id":null})"),
              events({{{"app/a"}, event_of(R"(,"event":"e","data":""})"), ""}}));
}

TEST(HttpApi, BringsTheChannelsIntoTheOrderOfWhatTheMeshDoesForThem) {
    App app = apps().all()[0];
    app.history = {{"cache-pay", "", 2}, {"pay", "", 3}};
    const auto event_for = [&app](const std::string& channels) {
        return parse_event(app, R"({"name":"e","data":"","channels":[)" + channels + "]}")->events.at(0);
    };
    const PublishEvent all = event_for(R"("a","pay","cache-pay","cache-a","b","pay-2","cache-b")");
    EXPECT_EQ(all.channels, (std::vector<std::string>{"app/cache-a", "app/cache-b", "app/cache-pay", "app/pay",
                                                      "app/pay-2", "app/a", "app/b"}));
    EXPECT_EQ(all.retained, 3u);
    EXPECT_EQ(all.copies, 3);
    EXPECT_EQ(all.copied_from, 2u);
    EXPECT_EQ(all.copied, 3u);
    EXPECT_TRUE(all.histories.empty());
    app.history[1].size = 9;
    EXPECT_EQ(event_for(R"("a","pay","cache-pay")").histories,
              (std::vector<HistoryBounds>{{}, {9, kDefaultHistoryEventBytes, kDefaultHistoryAge}, {}}))
        << "in the order of the channels";
    const PublishEvent plain = event_for(R"("b","a")");
    EXPECT_EQ(plain.channels, (std::vector<std::string>{"app/b", "app/a"}));
    EXPECT_EQ(plain.copies, 1);
    EXPECT_EQ(plain.copied, 0u);
    app.cache_ttl = {};
    const PublishEvent unkept = event_for(R"("cache-a","cache-pay")");
    EXPECT_EQ(unkept.channels, (std::vector<std::string>{"app/cache-pay", "app/cache-a"}));
    EXPECT_EQ(unkept.retained, 0u);
    EXPECT_EQ(unkept.copied_from, 0u);
    EXPECT_EQ(unkept.copied, 1u);
}

TEST(HttpApi, TheChannelsOfUsersHaveNoHistory) {
    App app = apps().all()[0];
    app.history = {{"", "", 1, 9}};
    const auto event = parse_event(app, R"({"name":"e","data":"","channels":["#server-to-user-7","a"]})")->events.at(0);
    ASSERT_EQ(event.histories.size(), 2u);
    EXPECT_EQ(event.histories[0].size, 0u) << "nobody can ask for that history";
    EXPECT_EQ(event.histories[1].size, 9u);
}

TEST(HttpApi, SaysWhetherAnEventWithFewCopiesWasDelivered) {
    const HttpResponse delivered = few_copies(1, 2, true);
    EXPECT_EQ(delivered.status, 503u);
    EXPECT_EQ(delivered.headers, (std::vector<std::pair<std::string, std::string>>{{"Tulle-Copies", "1/2"}}));
    const HttpResponse refused = few_copies(2, 3, false);
    EXPECT_EQ(refused.headers,
              (std::vector<std::pair<std::string, std::string>>{{"Retry-After", "1"}, {"Tulle-Copies", "2/3"}}));
}

TEST(HttpApi, TakesNullForWhatIsNotThereAndPassesAByteOrderMarkOver) {
    const ApiAction sent = events({{{"app/a"}, event_of(R"(,"event":"e","data":"d"})"), ""}});
    EXPECT_EQ(publish(R"({"name":"e","channel":"a","channels":null,"data":"d","socket_id":null,"info":null})"), sent);
    EXPECT_EQ(publish(R"({"name":"e","channels":["a"],"channel":null,"data":"d"})"), sent);
    EXPECT_EQ(publish("\xef\xbb\xbf{\"name\":\"e\",\"channel\":\"a\",\"data\":\"d\"}"), sent);
    const std::string batch = R"({"batch":[{"name":"e","channel":"a","channels":null,"data":"d"}]})";
    EXPECT_EQ(act(signed_request("POST", "/apps/app/batch_events", batch)), sent);
    EXPECT_EQ(act(signed_request("POST", "/apps/app/batch_events", "\xef\xbb\xbf" + batch)), sent);
}

TEST(HttpApi, HandsOnWhatNoTextOfOursCanHold) {
    EXPECT_EQ(
        publish(
            R"({"name":"\ud83d","channel":"a","data":"half \ud83d, \ude00\ud83d, whole \ud83d\ude00, NUL \u0000"})"),
        events({{{"app/a"},
                 event_of(R"(,"event":"\ud83d","data":"half \ud83d, \ude00\ud83d, whole \ud83d\ude00, NUL \u0000"})"),
                 ""}}));
    EXPECT_EQ(
        act(signed_request(
            "POST", "/apps/app/batch_events",
            R"({"batch":[{"name":"e","channel":"a","data":"\udfff"},{"name":"f","channel":"a","data":"","n":1e999999999999}]})")),
        events({{{"app/a"}, event_of(R"(,"event":"e","data":"\udfff"})"), ""},
                {{"app/a"}, event_of(R"(,"event":"f","data":""})"), ""}}));
    EXPECT_EQ(publish(R"({"name":"e","channel":"a","data":"d","\ud83d":1,"\ud83e":2})"),
              events({{{"app/a"}, event_of(R"(,"event":"e","data":"d"})"), ""}}));
}

TEST(HttpApi, SaysWhyABodyIsNotRead) {
    const auto reason = [](const std::string& body, const char* path) {
        const ApiAction action = act(signed_request("POST", path, body));
        const auto* respond = std::get_if<Respond>(&action);
        return respond == nullptr ? std::string("read") : respond->response.body;
    };
    const auto said = [](std::string_view why) { return R"({"error":")" + std::string(why) + R"(","code":400})"; };
    std::string members = "{\"a0\":0";
    for (std::size_t i = 1; i <= kMaxJsonMembers; ++i) {
        members.append(",\"a").append(std::to_string(i)).append("\":0");
    }
    const std::string deep = "{\"a\":" + std::string(kMaxJsonDepth, '[') + std::string(kMaxJsonDepth, ']') + "}";
    for (const char* path : {"/apps/app/events", "/apps/app/batch_events"}) {
        EXPECT_EQ(reason("{", path), said("the body is not JSON"));
        EXPECT_EQ(reason("{\"a\":\"\xff\"}", path), said("the body is not UTF-8"));
        EXPECT_EQ(reason("[]", path), said("the body is not a JSON object"));
        EXPECT_EQ(reason(deep, path), said("the body is JSON that is nested deeper than 512"));
        EXPECT_EQ(reason(members + "}", path), said("the body has a JSON object of more than 64 members"));
    }
}

TEST(HttpApi, CountsDataWithoutItsEscapesUpToWhatNodesCarry) {
    App app;
    app.id = "app";
    const auto status = [&app](std::size_t newlines) {
        std::string data;
        for (std::size_t i = 0; i < newlines; ++i) {
            data.append("\\n");
        }
        const auto work = parse_event(app, R"({"name":"e","channel":"a","data":")" + data + R"("})");
        return work ? 0u : work.error().status;
    };
    EXPECT_EQ(status(app.max_event_bytes), 0u);
    EXPECT_EQ(status(app.max_event_bytes + 1), 413u);
    app.max_event_bytes = kMaxEventBytes;
    EXPECT_EQ(status(kMaxEventBytes / 2 - 100), 0u);
    EXPECT_EQ(status(kMaxEventBytes / 2), 413u) << "within the app's limit, but too much on its way";
}

TEST(HttpApi, CountsTheCharactersOfAName) {
    const auto named = [](std::size_t characters, std::string_view character) {
        std::string name;
        for (std::size_t i = 0; i < characters; ++i) {
            name.append(character);
        }
        return publish(R"({"name":")" + name + R"(","channel":"a","data":"d"})");
    };
    EXPECT_EQ(status_of(named(200, "\xe4\xb8\xad")), 0u);
    EXPECT_EQ(status_of(named(200, "\\u4e2d")), 0u);
    EXPECT_EQ(status_of(named(200, "\xf0\x9f\x98\x80")), 0u);
    EXPECT_EQ(status_of(named(200, "\\ud83d\\ude00")), 0u);
    EXPECT_EQ(status_of(named(201, "\xe4\xb8\xad")), 400u);
    EXPECT_EQ(status_of(named(201, "e")), 400u);
}

TEST(HttpApi, RefusesByTheHeadAloneWhatIsNotSigned) {
    const std::string body = R"({"name":"e","channel":"a","data":""})";
    const auto refused = [](HttpRequest request) {
        request.body.clear();
        const std::optional<HttpResponse> refusal = refuse_head(request, apps(), kNow);
        return refusal ? refusal->status : 0U;
    };
    HttpRequest request = signed_request("POST", "/apps/app/events", body);
    EXPECT_EQ(refused(request), 0U) << "the body is still to come";
    request.target += "&more=1";
    EXPECT_EQ(refused(request), 401U);
    EXPECT_EQ(refused({"POST", "/apps/app/events", ""}), 401U);
    EXPECT_EQ(refused(signed_request("POST", "/apps/other/events", body)), 404U);
    EXPECT_EQ(refused(signed_request("POST", "/apps/app/channels", body)), 405U);
    EXPECT_EQ(refused(signed_request("POST", "/apps/off/events", body, "", "off-key")), 403U);
    std::string many;
    for (std::size_t i = 0; i < kMaxQueryParameters; ++i) {
        many += "&p" + std::to_string(i);
    }
    EXPECT_EQ(refused(signed_request("POST", "/apps/app/events", body, many)), 400U);
}

TEST(HttpApi, RefusesABodyOfMoreMembersThanAreLookedAt) {
    std::string members = R"("name":"e","channel":"a","data":"")";
    for (std::size_t i = 3; i < kMaxJsonMembers; ++i) {
        members += ",\"" + std::to_string(i) + "\":{\"x\":[{}]}";
    }
    EXPECT_EQ(status_of(publish("{" + members + "}")), 0U);
    EXPECT_EQ(status_of(publish("{" + members + ",\"b\":1}")), 400U);
}

TEST(HttpApi, AsksForTheInfoOfAnEventsChannels) {
    EXPECT_EQ(
        publish(R"({"name":"e","channels":["presence-a","b"],"data":"d","info":"user_count,subscription_count"})"),
        (ApiAction{ApiWork{{{{"app/presence-a", "app/b"}, event_of(R"(,"event":"e","data":"d"})"), ""}},
                           {R"({"app":"app","channels":["b","presence-a"]})"},
                           {AnswerPlan::Shape::kEvent, "", {{{"presence-a", "b"}, {true, true}}}}}}));
}

TEST(HttpApi, SpreadsManyNamesOverQueriesWithinTheLimit) {
    std::string body = R"({"name":"e","data":"d","info":"subscription_count","channels":[)";
    for (int i = 0; i < 100; ++i) {
        body += (i > 0 ? ",\"" : "\"") + std::to_string(1000 + i) + std::string(196, 'x') + "\"";
    }
    const ApiAction action = publish(body + "]}");
    const auto& queries = std::get<ApiWork>(action).queries;
    EXPECT_EQ(queries.size(), 7u);
    for (const std::string& query : queries) {
        EXPECT_LE(query.size(), 4096u);
    }
}

TEST(HttpApi, PublishesABatchWholeOrNotAtAll) {
    const auto batch = [](const std::string& body) {
        return act(signed_request("POST", "/apps/app/batch_events", body));
    };
    EXPECT_EQ(
        batch(
            R"({"batch":[{"name":"e","channel":"a","data":"\u00e9"}, {"name":"f","channel":"b","data":"]","socket_id":"1.2"}]})"),
        events({{{"app/a"}, event_of(R"(,"event":"e","data":"\u00e9"})"), ""},
                {{"app/b"}, event_of(R"(,"event":"f","data":"]"})"), "1.2"}}));
    EXPECT_EQ(
        batch(
            R"({"batch":[{"name":"e","channel":"a","data":"d"},{"name":"f","channel":"b","data":"d","info":"subscription_count"}]})"),
        (ApiAction{ApiWork{{{{"app/a"}, event_of(R"(,"event":"e","data":"d"})"), ""},
                            {{"app/b"}, event_of(R"(,"event":"f","data":"d"})"), ""}},
                           {R"({"app":"app","channels":["b"]})"},
                           {AnswerPlan::Shape::kBatch, "", {{}, {{"b"}, {false, true}}}}}}));
    for (const char* body :
         {"[]", "{}", R"({"batch":{}})", R"({"batch":[]})", R"({"batch":[1]})",
          R"({"batch":[{"name":"e","channels":["a"],"data":"d"}]})",
          R"({"batch":[{"name":"e","channel":"a","data":"d"},{"name":"e","channel":"a b","data":"d"}]})"}) {
        EXPECT_EQ(status_of(batch(body)), 400u) << body;
    }
    std::string many = R"({"batch":[)";
    for (int i = 0; i < 11; ++i) {
        many += std::string(i > 0 ? "," : "") + R"({"name":"e","channel":"a","data":"d"})";
    }
    EXPECT_EQ(status_of(batch(many + "]}")), 400u);
}

TEST(HttpApi, LetsPagesOfOtherOriginsAsk) {
    const auto allowed = [](std::string wanted) {
        HttpRequest request{"OPTIONS", "/apps/app/events", ""};
        request.wanted_headers = std::move(wanted);
        const ApiAction answer = act(request);
        EXPECT_EQ(status_of(answer), 204u);
        for (const auto& [name, value] : std::get<Respond>(answer).response.headers) {
            if (name == "Access-Control-Allow-Headers") {
                return value;
            }
        }
        return std::string();
    };
    EXPECT_EQ(allowed("x-pusher-library,content-type, x-anything"), "x-pusher-library,content-type, x-anything");
    const std::string usual = allowed("");
    EXPECT_NE(usual.find("X-Pusher-Library"), std::string::npos);
    EXPECT_EQ(allowed("a\xc3\xa9"), usual);
    EXPECT_EQ(allowed("a: b"), usual);
}

TEST(HttpApi, RefusesMalformedPublishes) {
    for (const char* body :
         {"x", "[]", R"({"channel":"a","data":"d"})", R"({"name":"","channel":"a","data":"d"})",
          R"({"name":1,"channel":"a","data":"d"})", R"({"name":"e","data":"d"})", R"({"name":"e","channel":"a"})",
          R"({"name":"e","channel":"a","data":{"x":1}})", R"({"name":"e","channels":[],"data":"d"})",
          R"({"name":"e","channels":"a","data":"d"})", R"({"name":"e","channels":[1],"data":"d"})",
          R"({"name":"e","channel":"a b","data":"d"})", R"({"name":"e","channel":"a","data":"d","socket_id":"x"})",
          R"({"name":"e","channel":"a","data":"d","socket_id":12})",
          R"({"name":"e","name":"f","channel":"a","data":"d"})",
          R"({"name":"e","channel":"a","data":"d","info":"everything"})",
          R"({"name":"e","channel":"a","data":"d","info":1})"}) {
        EXPECT_EQ(status_of(publish(body)), 400u) << body;
    }
    std::string many = R"({"name":"e","data":"d","channels":[)";
    for (int i = 0; i < 101; ++i) {
        many += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\"";
    }
    EXPECT_EQ(status_of(publish(many + "]}")), 400u);
    EXPECT_EQ(status_of(publish(R"({"name":")" + std::string(201, 'n') + R"(","channel":"a","data":"d"})")), 400u);
}

TEST(HttpApi, RefusesTooMuchData) {
    const auto of_size = [](std::size_t bytes) {
        return R"({"name":"e","channel":"a","data":")" + std::string(bytes, 'x') + R"("})";
    };
    EXPECT_EQ(status_of(publish(of_size(kDefaultMaxEventBytes))), 0u);
    EXPECT_EQ(status_of(publish(of_size(kDefaultMaxEventBytes + 1))), 413u);
}

TEST(HttpApi, AsksAllNodesForChannels) {
    const auto get = [](const std::string& path, const std::string& more = "") {
        return act(signed_request("GET", "/apps/app/channels" + path, "", more));
    };
    EXPECT_EQ(get(""), reads(R"({"app":"app","prefix":""})", {AnswerPlan::Shape::kList}));
    EXPECT_EQ(get("", "&filter_by_prefix=private-&info=subscription_count"),
              reads(R"({"app":"app","prefix":"private-"})", {AnswerPlan::Shape::kList}));
    EXPECT_EQ(get("", "&filter_by_prefix=presence-&info=user_count"),
              reads(R"({"app":"app","prefix":"presence-"})", {AnswerPlan::Shape::kList}));
    EXPECT_EQ(get("/news"), reads(R"({"app":"app","channels":["news"]})", {AnswerPlan::Shape::kChannel, "news"}));
    EXPECT_EQ(get("/a%3Db"), reads(R"({"app":"app","channels":["a=b"]})", {AnswerPlan::Shape::kChannel, "a=b"}));
    EXPECT_EQ(get("/presence-a", "&info=user_count,subscription_count"),
              reads(R"({"app":"app","channels":["presence-a"]})", {AnswerPlan::Shape::kChannel, "presence-a"}));
    EXPECT_EQ(get("/presence-a/users"),
              reads(R"({"app":"app","channels":["presence-a"]})", {AnswerPlan::Shape::kUsers, "presence-a"}));
    EXPECT_EQ(status_of(get("/a%20b")), 400u);
    EXPECT_EQ(status_of(get("", "&info=user_count")), 400u) << "not without presence-";
    EXPECT_EQ(status_of(get("", "&info=everything")), 400u);
    EXPECT_EQ(status_of(get("/news", "&info=user_count")), 400u);
    EXPECT_EQ(status_of(get("/news/users")), 400u);
}

TEST(HttpApi, AnswersWithTheStatusOfTheMistake) {
    EXPECT_EQ(status_of(act({"GET", "/apps/app/nothing", ""})), 404u);
    EXPECT_EQ(status_of(act({"GET", "/apps/app/channels/a/b", ""})), 404u);
    EXPECT_EQ(status_of(act(signed_request("GET", "/apps/nope/channels"))), 404u);
    EXPECT_EQ(status_of(act(signed_request("POST", "/apps/app/channels", "{}"))), 405u);
    EXPECT_EQ(status_of(act({"GET", "/apps/app/channels", ""})), 401u);
    EXPECT_EQ(status_of(act({"POST", "/apps/app/events", ""})), 401u);
    EXPECT_EQ(status_of(act({"GET", "/apps/app/channels?a=%", ""})), 400u);
    EXPECT_EQ(status_of(act(signed_request("GET", "/apps/off/channels", "", "", "off-key"))), 403u);
}

TEST(HttpApi, RefusesTheKeyOfAnotherApp) {
    EXPECT_EQ(status_of(act(signed_request("GET", "/apps/off/channels", "", "", "key"))), 401u);
}

const std::vector<std::string> kParts{R"({"rows":[["a",1],["presence-b",2,10,"x"]]})",
                                      R"({"rows":[["a",2],["b",1],["presence-b",1,"10"]]})"};

TEST(HttpAnswer, AddsUpTheNodesAndNamesTheMissing) {
    const HttpResponse list = render({AnswerPlan::Shape::kList}, kParts, {});
    EXPECT_EQ(list.status, 200u);
    EXPECT_EQ(list.body, R"({"channels":{"a":{"occupied":true,"subscription_count":3},)"
                         R"("b":{"occupied":true,"subscription_count":1},)"
                         R"("presence-b":{"occupied":true,"subscription_count":3,"user_count":2}}})");
    EXPECT_TRUE(list.headers.empty());

    const HttpResponse one = render({AnswerPlan::Shape::kChannel, "a"}, kParts, {"n\r\n3", "n2", "n2"});
    EXPECT_EQ(one.body, R"({"occupied":true,"subscription_count":3})");
    ASSERT_EQ(one.headers.size(), 1u);
    EXPECT_EQ(one.headers[0], (std::pair<std::string, std::string>{"Tulle-Partial", "n??3, n2"}));
    EXPECT_EQ(render({AnswerPlan::Shape::kChannel, "none"}, {}, {}).body,
              R"({"occupied":false,"subscription_count":0})");
}

TEST(HttpAnswer, NamesUsersOnceByStringsAsTypedSdksDemand) {
    EXPECT_EQ(render({AnswerPlan::Shape::kUsers, "presence-b"}, kParts, {}).body,
              R"({"users":[{"id":"10"},{"id":"x"}]})");
    EXPECT_EQ(render({AnswerPlan::Shape::kUsers, "presence-c"}, kParts, {}).body, R"({"users":[]})");
}

TEST(HttpAnswer, TellsTheInfoOfPublishedEvents) {
    EXPECT_EQ(render({AnswerPlan::Shape::kEvent, "", {{{"presence-b", "a"}, {true, true}}}}, kParts, {}).body,
              R"({"channels":{"presence-b":{"user_count":2,"subscription_count":3},"a":{"subscription_count":3}}})");
    EXPECT_EQ(render({AnswerPlan::Shape::kEvent, "", {{{"a"}, {true, false}}}}, kParts, {}).body,
              R"({"channels":{"a":{}}})");
    EXPECT_EQ(render({AnswerPlan::Shape::kBatch, "", {{{"a"}, {false, true}}, {}}}, kParts, {}).body,
              R"({"batch":[{"subscription_count":3},{}]})");
}

TEST(HttpAnswer, IsAnEmptyObjectForAPublish) {
    EXPECT_EQ(render({}, {}, {}).body, "{}");
    EXPECT_EQ(api_error(400, "a \"b\"").body, R"({"error":"a \"b\"","code":400})");
    EXPECT_EQ(unavailable("busy").status, 503u);
}

class AppLimitsTest : public ::testing::Test {
protected:
    AppLimitsTest() {
        app.id = "app";
        app.key = "key";
        app.secret = "secret";
    }

    unsigned status(const std::string& path, const std::string& body) const {
        return status_of(handle(signed_request("POST", "/apps/app/" + path, body), AppTable({app}), kNow));
    }

    App app;
};

TEST_F(AppLimitsTest, HoldForPublishes) {
    const std::string two = R"({"name":"event","channels":["chan","b"],"data":"d"})";
    EXPECT_EQ(status("events", two), 0U);
    app.max_event_channels_at_once = 1;
    EXPECT_EQ(status("events", two), 400U);
    app.max_event_channels_at_once = 2;
    app.max_channel_name_length = 3;
    EXPECT_EQ(status("events", two), 400U);
    app.max_channel_name_length = 4;
    app.max_event_name_length = 4;
    EXPECT_EQ(status("events", two), 400U);
    app.max_event_name_length = 5;
    EXPECT_EQ(status("events", two), 0U);
}

TEST_F(AppLimitsTest, HoldForBatches) {
    std::string batch = R"({"batch":[{"name":"e","data":"d","channel":"a"})";
    for (std::size_t i = 1; i < 11; ++i) {
        batch += R"(,{"name":"e","data":"d","channel":"a"})";
    }
    batch += "]}";
    EXPECT_EQ(status("batch_events", batch), 400U);
    app.max_event_batch_size = 11;
    EXPECT_EQ(status("batch_events", batch), 0U);
}

TEST(HttpApi, CostsOnePointForEachChannelOfEachEventAndOneForARead) {
    const auto cost = [](const ApiAction& action) { return cost_of(std::get<ApiWork>(action)); };
    EXPECT_EQ(cost(publish(R"({"name":"e","channels":["a","b","a"],"data":"d"})")),
              (std::pair{Rationed::kEvents, std::size_t{2}}));
    EXPECT_EQ(cost(act(signed_request(
                  "POST", "/apps/app/batch_events",
                  R"({"batch":[{"name":"e","data":"d","channel":"a"},{"name":"e","data":"d","channel":"a"}]})"))),
              (std::pair{Rationed::kEvents, std::size_t{2}}));
    EXPECT_EQ(cost(act(signed_request("GET", "/apps/app/channels"))), (std::pair{Rationed::kReads, std::size_t{1}}));
}

TEST(HttpApi, SaysWhenToComeBack) {
    const HttpResponse response = rate_limited({false, 3, 1200ms}, 10);
    EXPECT_EQ(response.status, 429U);
    EXPECT_EQ(response.headers,
              (std::vector<std::pair<std::string, std::string>>{
                  {"Retry-After", "2"}, {"X-RateLimit-Limit", "10"}, {"X-RateLimit-Remaining", "3"}}));
    EXPECT_EQ(throttled(0ms).headers, (std::vector<std::pair<std::string, std::string>>{{"Retry-After", "1"}}));
}

TEST(HttpApi, FindsTheAppThatARequestNames) {
    const AppTable table = apps();
    EXPECT_EQ(app_of_api_target(table, "/apps/app/events"), table.find_by_id("app"));
    EXPECT_EQ(app_of_api_target(table, "/apps"), nullptr);
    EXPECT_EQ(app_of_api_target(table, "/apps/none/events"), nullptr);
}

}  // namespace
}  // namespace tulle::node::pusher::http_api_test
