#include "node/pusher/wire/auth.hpp"

#include <gtest/gtest.h>

#include "mesh/base/digest.hpp"
#include "node/pusher/core/limits.hpp"

namespace tulle::node::pusher::auth_test {
namespace {

App official_app() {
    App app;
    app.id = "3";
    app.key = "278d425bdf160c739803";
    app.secret = "7ad3773142a6692b25b8";
    return app;
}

constexpr std::string_view kSocket = "1234.1234";
constexpr std::string_view kPrivate =
    "278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4";

TEST(ChannelAuth, TheSignatureOfAnotherChannelIsNoneOfAChannelWithData) {
    const App app = official_app();
    const auto signature = [&](const std::string& text) { return app.key + ":" + hmac_sha256_hex(app.secret, text); };
    const std::string other = signature(std::string(kSocket) + ":private-room:42");
    EXPECT_TRUE(channel_auth_is_valid(app, {kSocket, "private-room:42", ""}, other));
    EXPECT_FALSE(channel_auth_is_valid(app, {kSocket, "private-room", "42"}, other));
    EXPECT_TRUE(channel_auth_is_valid(app, {kSocket, "private-room", "{}"},
                                      signature(std::string(kSocket) + ":private-room:{}")));
}

TEST(ChannelAuth, AcceptsTheOfficialVectors) {
    EXPECT_TRUE(channel_auth_is_valid(official_app(), {kSocket, "private-foobar", ""}, kPrivate));
    EXPECT_TRUE(channel_auth_is_valid(
        official_app(), {kSocket, "presence-foobar", R"({"user_id":10,"user_info":{"name":"Mr. Channels"}})"},
        "278d425bdf160c739803:31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80"));
}

TEST(ChannelAuth, SignsTheChannelDataOfAnyPrivateChannel) {
    EXPECT_FALSE(channel_auth_is_valid(official_app(), {kSocket, "private-foobar", "{}"}, kPrivate));
}

TEST(SignInAuth, AcceptsTheOfficialVectorAndNothingElse) {
    const std::string token = "278d425bdf160c739803:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba";
    EXPECT_TRUE(signin_auth_is_valid(official_app(), kSocket, R"({"id":"12345"})", token));
    EXPECT_FALSE(signin_auth_is_valid(official_app(), kSocket, R"({"id":"12346"})", token));
    EXPECT_FALSE(signin_auth_is_valid(official_app(), "1234.1235", R"({"id":"12345"})", token));
    EXPECT_FALSE(signin_auth_is_valid(official_app(), kSocket, R"({"id":"12345"})", token.substr(1)));
    EXPECT_FALSE(signin_auth_is_valid(official_app(), kSocket, R"({"id":"12345"})", ""));
}

TEST(ChannelAuth, RefusesWhateverDiffers) {
    EXPECT_FALSE(channel_auth_is_valid(official_app(), {"1234.1235", "private-foobar", ""}, kPrivate));
    EXPECT_FALSE(channel_auth_is_valid(official_app(), {kSocket, "private-foobaz", ""}, kPrivate));
    EXPECT_FALSE(channel_auth_is_valid(official_app(), {kSocket, "private-foobar", ""}, ""));
    EXPECT_FALSE(channel_auth_is_valid(official_app(), {kSocket, "private-foobar", ""}, kPrivate.substr(21)));
    EXPECT_FALSE(channel_auth_is_valid(official_app(), {kSocket, "private-foobar", ""},
                                       kPrivate.substr(0, kPrivate.size() - 1)));
    EXPECT_FALSE(channel_auth_is_valid(official_app(), {kSocket, "private-foobar", ""},
                                       "other:" + std::string(kPrivate.substr(21))));
}

TEST(QueryParameters, AreCountedBeforeTheyAreLookedAt) {
    std::string query = "a";
    for (std::size_t i = 1; i < kMaxQueryParameters; ++i) {
        query.append("&p").append(std::to_string(i));
    }
    EXPECT_EQ(parse_query(query)->size(), kMaxQueryParameters);
    query.append("&");
    EXPECT_FALSE(parse_query(query).has_value()) << "empty ones count too";
}

TEST(QueryParameters, AreDecodedInOrder) {
    const auto parameters = parse_query("a=1&b=%2Fx%20y&&c");
    ASSERT_TRUE(parameters.has_value());
    EXPECT_EQ(*parameters, (QueryParameters{{"a", "1"}, {"b", "/x y"}, {"c", ""}}));
    EXPECT_EQ(find_parameter(*parameters, "d"), nullptr);
}

TEST(QueryParameters, AreRefusedWhenAnEscapeIsBroken) {
    EXPECT_FALSE(parse_query("a=%").has_value());
    EXPECT_FALSE(parse_query("a=%2").has_value());
    EXPECT_FALSE(parse_query("a=%zz").has_value());
}

TEST(QueryParameters, ThatComeTwiceAreFoundByTheirDecodedNames) {
    constexpr std::string_view kA[] = {"a"};
    EXPECT_TRUE(has_repeated(*parse_query("a=1&%61=2"), kA));
    EXPECT_FALSE(has_repeated(*parse_query("a=1&b=2&b=3"), kA)) << "nobody looks at b";
}

}  // namespace
}  // namespace tulle::node::pusher::auth_test
