#include "client/wire/server_url.hpp"

#include <gtest/gtest.h>

namespace tulle::client::server_url_test {
namespace {

TEST(ServerUrl, TakesHostPortAndPrefixApart) {
    EXPECT_EQ(*parse_server_url("ws://127.0.0.1:6001", "ws"), (ServerUrl{"127.0.0.1", "6001", ""}));
    EXPECT_EQ(*parse_server_url("WS://node.example", "ws"), (ServerUrl{"node.example", "80", ""}));
    EXPECT_EQ(*parse_server_url("http://h:1/a/b/", "http"), (ServerUrl{"h", "1", "/a/b"}));
    EXPECT_EQ(*parse_server_url("ws://[::1]:6001/", "ws"), (ServerUrl{"::1", "6001", ""}));
    EXPECT_EQ(*parse_server_url("WSS://h/a", "ws"), (ServerUrl{"h", "443", "/a", true}));
    EXPECT_EQ(*parse_server_url("https://h:8443", "http"), (ServerUrl{"h", "8443", "", true}));
}

TEST(ServerUrl, WritesTheHostHeader) {
    EXPECT_EQ((ServerUrl{"h", "80", ""}.authority()), "h");
    EXPECT_EQ((ServerUrl{"h", "6001", ""}.authority()), "h:6001");
    EXPECT_EQ((ServerUrl{"::1", "6001", ""}.authority()), "[::1]:6001");
    EXPECT_EQ((ServerUrl{"h", "443", "", true}.authority()), "h");
    EXPECT_EQ((ServerUrl{"h", "80", "", true}.authority()), "h:80");
}

TEST(ServerUrl, SaysWhyItIsRefused) {
    EXPECT_EQ(parse_server_url("", "ws").error(), UrlErrc::kMalformed);
    EXPECT_EQ(parse_server_url("127.0.0.1:6001", "ws").error(), UrlErrc::kMalformed);
    EXPECT_EQ(parse_server_url("ws://a b", "ws").error(), UrlErrc::kMalformed);
    EXPECT_EQ(parse_server_url("ws://[::1];80/a", "ws").error(), UrlErrc::kMalformed);
    EXPECT_EQ(parse_server_url("http://h", "ws").error(), UrlErrc::kScheme);
    EXPECT_EQ(parse_server_url("ws://h", "http").error(), UrlErrc::kScheme);
    EXPECT_EQ(parse_server_url("https://h", "ws").error(), UrlErrc::kScheme);
    EXPECT_EQ(parse_server_url("wss://h", "http").error(), UrlErrc::kScheme);
    EXPECT_EQ(parse_server_url("ws://:6001", "ws").error(), UrlErrc::kHost);
    EXPECT_EQ(parse_server_url("ws:/path", "ws").error(), UrlErrc::kHost);
    EXPECT_EQ(parse_server_url("ws://h:0", "ws").error(), UrlErrc::kPort);
    EXPECT_EQ(parse_server_url("ws://h:99999", "ws").error(), UrlErrc::kPort);
    EXPECT_EQ(parse_server_url("ws://u:p@h", "ws").error(), UrlErrc::kExtras);
    EXPECT_EQ(parse_server_url("ws://h?x", "ws").error(), UrlErrc::kExtras);
}

TEST(ServerUrl, MakesTheTargetOfTheWebSocketHandshake) {
    EXPECT_EQ(websocket_target(ServerUrl{"h", "80", "/ws"}, "k/1", "0.1.0"),
              "/ws/app/k%2F1?protocol=7&client=tulle-cpp&version=0.1.0");
}

TEST(ServerUrl, EncodesWhateverIsNoPlainLetterOfAQuery) {
    EXPECT_EQ(percent_encoded("a-b.c_d~ &\xC3\xBC"), "a-b.c_d~%20%26%C3%BC");
}

}  // namespace
}  // namespace tulle::client::server_url_test
