#include "node/protocol/pusher/http_api.hpp"

#include <gtest/gtest.h>

#include "mesh/base/digest.hpp"
#include "node/core/limits.hpp"

namespace tulle::node::pusher {
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

ApiAction publish(const std::string& body) { return act(signed_request("POST", "/apps/app/events", body)); }

unsigned status_of(const ApiAction& action) {
    const auto* respond = std::get_if<Respond>(&action);
    return respond == nullptr ? 0 : respond->response.status;
}

TEST(HttpApi, PublishesToChannelsWithTheSourceBytesOfTheData) {
    EXPECT_EQ(publish(R"({"name":"e","channels":["a","private-b","a"],"data":"{\"x\":\"\u00e9\"}","socket_id":"1.2"})"),
              (ApiAction{PublishEvent{{"app/a", "app/private-b"}, R"(,"event":"e","data":"{\"x\":\"\u00e9\"}"})", "1.2"}}));
    EXPECT_EQ(publish(R"({"name":"e","channel":"a","data":"","socket_id":null})"),
              (ApiAction{PublishEvent{{"app/a"}, R"(,"event":"e","data":""})", ""}}));
}

TEST(HttpApi, RefusesMalformedPublishes) {
    for (const char* body :
         {"x", "[]", R"({"channel":"a","data":"d"})", R"({"name":"","channel":"a","data":"d"})",
          R"({"name":1,"channel":"a","data":"d"})", R"({"name":"e","data":"d"})", R"({"name":"e","channel":"a"})",
          R"({"name":"e","channel":"a","data":{"x":1}})", R"({"name":"e","channels":[],"data":"d"})",
          R"({"name":"e","channels":"a","data":"d"})", R"({"name":"e","channels":[1],"data":"d"})",
          R"({"name":"e","channel":"a b","data":"d"})", R"({"name":"e","channel":"a","data":"d","socket_id":"x"})",
          R"({"name":"e","channel":"a","data":"d","socket_id":12})", R"({"name":"e","name":"f","channel":"a","data":"d"})",
          R"({"name":"e","channel":"a","data":"d","info":"subscription_count"})"}) {
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
    EXPECT_EQ(act(signed_request("GET", "/apps/app/channels")), (ApiAction{ListChannels{R"({"app":"app","prefix":""})"}}));
    EXPECT_EQ(act(signed_request("GET", "/apps/app/channels", "", "&filter_by_prefix=private-&info=subscription_count")),
              (ApiAction{ListChannels{R"({"app":"app","prefix":"private-"})"}}));
    EXPECT_EQ(act(signed_request("GET", "/apps/app/channels/news")),
              (ApiAction{DescribeChannel{R"({"app":"app","channel":"news"})", "news"}}));
    EXPECT_EQ(act(signed_request("GET", "/apps/app/channels/a%3Db")),
              (ApiAction{DescribeChannel{R"({"app":"app","channel":"a=b"})", "a=b"}}));
    EXPECT_EQ(status_of(act(signed_request("GET", "/apps/app/channels/a%20b"))), 400u);
    EXPECT_EQ(status_of(act(signed_request("GET", "/apps/app/channels", "", "&info=user_count"))), 400u);
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

TEST(HttpAnswer, AddsUpTheNodesAndNamesTheMissing) {
    const std::vector<std::string> parts{R"({"channels":{"a":1}})", R"({"channels":{"a":2,"b":1}})"};
    const HttpResponse list = channel_list(parts, {});
    EXPECT_EQ(list.status, 200u);
    EXPECT_EQ(list.body, R"({"channels":{"a":{"occupied":true,"subscription_count":3},"b":{"occupied":true,"subscription_count":1}}})");
    EXPECT_TRUE(list.headers.empty());

    const HttpResponse one = channel_info("a", parts, {"n2", "n\r\n3"});
    EXPECT_EQ(one.body, R"({"occupied":true,"subscription_count":3})");
    ASSERT_EQ(one.headers.size(), 1u);
    EXPECT_EQ(one.headers[0], (std::pair<std::string, std::string>{"Tulle-Partial", "n2, n??3"}));
    EXPECT_EQ(channel_info("none", {}, {}).body, R"({"occupied":false,"subscription_count":0})");
}

TEST(HttpAnswer, IsAnEmptyObjectForAPublish) {
    EXPECT_EQ(published().body, "{}");
    EXPECT_EQ(api_error(400, "a \"b\"").body, R"({"error":"a \"b\"","code":400})");
    EXPECT_EQ(unavailable("busy").status, 503u);
}

}  // namespace
}  // namespace tulle::node::pusher
