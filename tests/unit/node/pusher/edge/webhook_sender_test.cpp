#include "node/pusher/edge/webhook_sender.hpp"

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "node/pusher/core/webhook_limits.hpp"
#include "tests/unit/node/pusher/edge/http_target.hpp"

namespace tulle::node::webhook_sender_test {
namespace {

using testing::HttpTarget;
using testing::status_line;

AddressPolicy everywhere() {
    AddressPolicy policy;
    policy.allow_all = true;
    return policy;
}

/// The outcomes of `count` requests as they come, waited for ten seconds.
std::vector<WebhookOutcome> wait_for(WebhookSender& sender, std::size_t count) {
    std::vector<WebhookOutcome> outcomes;
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (outcomes.size() < count && std::chrono::steady_clock::now() < until) {
        sender.run(100ms, outcomes);
    }
    EXPECT_EQ(outcomes.size(), count);
    EXPECT_EQ(sender.in_flight(), 0u);
    outcomes.resize(count);
    return outcomes;
}

WebhookOutcome post(WebhookSender& sender, const std::string& url, const std::string& body = "{}") {
    sender.start({7, url, {"X-Test: yes", "Content-Type: application/json"}, body});
    return wait_for(sender, 1)[0];
}

TEST(WebhookSender, PostsWhatItIsGiven) {
    HttpTarget target([](const std::string&) { return status_line("204 No Content"); });
    WebhookSender sender(everywhere(), 5s);
    const WebhookOutcome outcome = post(sender, target.url(), R"({"a":1})");
    EXPECT_EQ(outcome.id, 7u);
    EXPECT_EQ(outcome.status, 204u);
    EXPECT_TRUE(outcome.is_taken());
    const std::string request = target.next().value_or("");
    EXPECT_TRUE(request.starts_with("POST /hook HTTP/1.1\r\n")) << request;
    EXPECT_NE(request.find("\r\nContent-Type: application/json\r\n"), std::string::npos);
    EXPECT_NE(request.find("\r\nX-Test: yes\r\n"), std::string::npos);
    EXPECT_EQ(request.find("Expect:"), std::string::npos);
    EXPECT_EQ(request.find("Cookie:"), std::string::npos);
    EXPECT_TRUE(request.ends_with("\r\n\r\n{\"a\":1}"));
}

TEST(WebhookSender, EachRequestHasAConnectionOfItsOwn) {
    HttpTarget target([](const std::string&) { return status_line("200 OK"); });
    WebhookSender sender(everywhere(), 5s);
    for (std::size_t i = 1; i <= 3; ++i) {
        EXPECT_TRUE(post(sender, target.url()).is_taken());
        EXPECT_EQ(target.connections(), i);
        EXPECT_NE(target.next().value_or("").find("\r\nConnection: close\r\n"), std::string::npos);
    }
}

TEST(WebhookSender, OnlyA2xxIsTaken) {
    HttpTarget target([](const std::string&) { return status_line("500 Oops"); });
    WebhookSender sender(everywhere(), 5s);
    const WebhookOutcome outcome = post(sender, target.url());
    EXPECT_EQ(outcome.status, 500u);
    EXPECT_FALSE(outcome.is_taken());
}

TEST(WebhookSender, ARedirectIsNotFollowed) {
    HttpTarget elsewhere([](const std::string&) { return status_line("200 OK"); });
    HttpTarget target([&elsewhere](const std::string&) {
        return "HTTP/1.1 302 Found\r\nLocation: " + elsewhere.url() + "\r\nContent-Length: 0\r\n\r\n";
    });
    WebhookSender sender(everywhere(), 5s);
    EXPECT_EQ(post(sender, target.url()).status, 302u);
    EXPECT_EQ(elsewhere.connections(), 0u);
}

TEST(WebhookSender, CookiesAreForgotten) {
    HttpTarget target([](const std::string&) {
        return std::string("HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n");
    });
    WebhookSender sender(everywhere(), 5s);
    post(sender, target.url());
    post(sender, target.url());
    target.next();
    EXPECT_EQ(target.next().value_or("Cookie").find("Cookie"), std::string::npos);
}

TEST(WebhookSender, NoSpellingOfAPrivateAddressGetsThrough) {
    HttpTarget target([](const std::string&) { return status_line("200 OK"); });
    WebhookSender sender(AddressPolicy{}, 5s);
    for (const char* host : {"127.0.0.1", "127.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "0", "0.0.0.0",
                             "localhost", "[::1]", "[::]", "[::ffff:7f00:1]", "[::ffff:127.0.0.1]", "169.254.169.254",
                             "10.0.0.1", "[fe80::1]", "[64:ff9b::7f00:1]", "[fd00::1]", "224.0.0.1"}) {
        const WebhookOutcome outcome = post(sender, "http://" + std::string(host) + ":" + target.port() + "/");
        EXPECT_FALSE(outcome.is_taken()) << host;
        EXPECT_EQ(outcome.status, 0u) << host;
        EXPECT_TRUE(outcome.is_address_refused) << host << ": " << outcome.error;
    }
    EXPECT_EQ(target.connections(), 0u);
}

TEST(WebhookSender, UrlsThatLeadNowhereFail) {
    WebhookSender sender(everywhere(), 5s);
    for (const char* url :
         {"http://127.0.0.1:99999/", "file:///etc/passwd", "gopher://127.0.0.1/", "http://name.invalid/"}) {
        const WebhookOutcome outcome = post(sender, url);
        EXPECT_FALSE(outcome.is_taken()) << url;
        EXPECT_FALSE(outcome.error.empty()) << url;
        EXPECT_FALSE(outcome.is_address_refused) << url;
    }
}

TEST(WebhookSender, ATargetThatHangsTimesOutAndKeepsNobodyElseWaiting) {
    HttpTarget hanging([](const std::string&) { return std::string(); });
    HttpTarget target([](const std::string&) { return status_line("200 OK"); });
    WebhookSender sender(everywhere(), 300ms);
    sender.start({1, hanging.url(), {}, "{}"});
    sender.start({2, target.url(), {}, "{}"});
    const std::vector<WebhookOutcome> outcomes = wait_for(sender, 2);
    EXPECT_EQ(outcomes[0].id, 2u);
    EXPECT_TRUE(outcomes[0].is_taken());
    EXPECT_EQ(outcomes[1].id, 1u);
    EXPECT_EQ(outcomes[1].status, 0u);
    EXPECT_FALSE(outcomes[1].error.empty());
}

TEST(WebhookSender, AnAnswerWithoutEndIsCutOff) {
    HttpTarget target([](const std::string&) {
        return "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + std::string(4u << 20, 'x');
    });
    WebhookSender sender(everywhere(), 5s);
    EXPECT_TRUE(post(sender, target.url()).is_taken());
}

TEST(WebhookSender, ProxiesOfTheEnvironmentAreNotUsed) {
    HttpTarget proxy([](const std::string&) { return status_line("200 OK"); });
    HttpTarget target([](const std::string&) { return status_line("204 No Content"); });
    const std::string address = "http://127.0.0.1:" + proxy.port();
    ::setenv("http_proxy", address.c_str(), 1);
    ::setenv("all_proxy", address.c_str(), 1);
    WebhookSender sender(everywhere(), 5s);
    EXPECT_EQ(post(sender, target.url()).status, 204u);
    EXPECT_EQ(proxy.connections(), 0u);
    ::unsetenv("http_proxy");
    ::unsetenv("all_proxy");
}

TEST(WebhookSender, AnotherThreadCanEndItsWaiting) {
    WebhookSender sender(everywhere(), 5s);
    std::thread waker([&sender] { sender.wake(); });
    std::vector<WebhookOutcome> outcomes;
    const auto begin = std::chrono::steady_clock::now();
    sender.run(60s, outcomes);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 30s);
    waker.join();
}

}  // namespace
}  // namespace tulle::node::webhook_sender_test
