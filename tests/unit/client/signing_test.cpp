#include "client/wire/signing.hpp"

#include <gtest/gtest.h>

#include "client/wire/publish.hpp"

namespace tulle::client::signing_test {
namespace {

/// The example application of the protocol's documentation, whose signatures are published.
const AppCredentials kApp{"3", "278d425bdf160c739803", "7ad3773142a6692b25b8"};

TEST(Signing, SignsAPrivateChannelAsTheDocumentationDoes) {
    EXPECT_EQ(channel_auth(kApp, "1234.1234", "private-foobar", {}),
              "278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4");
}

TEST(Signing, SignsAPresenceChannelWithItsData) {
    EXPECT_EQ(
        channel_auth(kApp, "1234.1234", "presence-foobar", R"({"user_id":10,"user_info":{"name":"Mr. Channels"}})"),
        "278d425bdf160c739803:31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80");
}

TEST(Signing, SignsASignInAsTheDocumentationDoes) {
    EXPECT_EQ(user_auth(kApp, "1234.1234", R"({"id":"12345"})"),
              "278d425bdf160c739803:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba");
}

TEST(Signing, SignsAPublishAsTheDocumentationDoes) {
    EXPECT_EQ(signed_target(kApp, "POST", "/apps/3/events",
                            R"({"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"})",
                            WallSeconds{1353088179s}),
              "/apps/3/events?auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0&"
              "body_md5=ec365a775a4cd0599faeb73354201b6f&"
              "auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c");
}

TEST(Signing, LeavesTheBodyOutWhenThereIsNone) {
    EXPECT_EQ(signed_target(kApp, "GET", "/apps/3/channels", {}, WallSeconds{1s}).find("body_md5"), std::string::npos);
}

TEST(Publish, WritesTheBodyOfTheDocumentation) {
    EXPECT_EQ(*publish_body({{"project-3"}, "foo", R"({"some":"data"})", {}}),
              R"({"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"})");
    EXPECT_EQ(*publish_body({{"a", "b"}, "e", "", "1.2"}),
              R"({"name":"e","channels":["a","b"],"data":"","socket_id":"1.2"})");
}

TEST(Publish, RefusesWhatNoServerWouldTake) {
    EXPECT_EQ(publish_body({{}, "e", "", {}}).error(), PublishErrc::kNoChannel);
    EXPECT_EQ(publish_body({std::vector<std::string>(101, "c"), "e", "", {}}).error(), PublishErrc::kTooManyChannels);
    EXPECT_EQ(publish_body({{"a b"}, "e", "", {}}).error(), PublishErrc::kBadChannel);
    EXPECT_EQ(publish_body({{"c"}, "", "", {}}).error(), PublishErrc::kBadName);
    EXPECT_EQ(publish_body({{"c"}, "pusher:x", "", {}}).error(), PublishErrc::kBadName);
}

TEST(Publish, IsAWholeRequestWithTheLengthOfItsBody) {
    const std::string request = publish_request(kApp, ServerUrl{"h", "6001", ""}, "{}", WallSeconds{1s});
    EXPECT_TRUE(request.starts_with("POST /apps/3/events?auth_key=")) << request;
    EXPECT_NE(request.find(" HTTP/1.1\r\nHost: h:6001\r\n"), std::string::npos) << request;
    EXPECT_TRUE(request.ends_with("\r\nContent-Length: 2\r\n\r\n{}")) << request;
}

TEST(Publish, AnAppIdIsOneSegmentOfAPath) {
    EXPECT_TRUE(is_valid_app_id("app-id_1.x"));
    EXPECT_FALSE(is_valid_app_id(""));
    EXPECT_FALSE(is_valid_app_id(".."));
    EXPECT_FALSE(is_valid_app_id("a/b"));
    EXPECT_FALSE(is_valid_app_id("a b"));
}

}  // namespace
}  // namespace tulle::client::signing_test
