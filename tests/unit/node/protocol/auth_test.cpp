#include "node/protocol/pusher/auth.hpp"

#include <gtest/gtest.h>

#include "mesh/base/digest.hpp"
#include "node/core/limits.hpp"

namespace tulle::node::pusher {
namespace {

App official_app() {
    App app;
    app.id = "3";
    app.key = "278d425bdf160c739803";
    app.secret = "7ad3773142a6692b25b8";
    return app;
}

constexpr WallSeconds kThen{std::chrono::seconds{1353088179}};
constexpr std::string_view kSocket = "1234.1234";
constexpr std::string_view kPrivate =
    "278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4";

HttpRequest official_request() {
    return {"POST",
            "/apps/3/events?auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0"
            "&body_md5=ec365a775a4cd0599faeb73354201b6f"
            "&auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c",
            R"({"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"})"};
}

std::optional<std::string_view> refusal_of(const HttpRequest& request, const QueryParameters& parameters, WallSeconds now) {
    const auto refusal = check_request_signature(official_app(), request, parameters, now);
    return refusal ? refusal : check_body_digest(request, parameters);
}

std::optional<std::string_view> check(const HttpRequest& request, WallSeconds now = kThen) {
    return refusal_of(request, *parse_query(request.query()), now);
}

TEST(ChannelAuth, TheSignatureOfAnotherChannelIsNoneOfAChannelWithData) {
    const App app = official_app();
    const auto signature = [&](const std::string& text) { return app.key + ":" + hmac_sha256_hex(app.secret, text); };
    const std::string other = signature(std::string(kSocket) + ":private-room:42");
    EXPECT_TRUE(channel_auth_is_valid(app, {kSocket, "private-room:42", ""}, other));
    EXPECT_FALSE(channel_auth_is_valid(app, {kSocket, "private-room", "42"}, other));
    EXPECT_TRUE(channel_auth_is_valid(app, {kSocket, "private-room", "{}"}, signature(std::string(kSocket) + ":private-room:{}")));
}

TEST(ChannelAuth, AcceptsTheOfficialVectors) {
    EXPECT_TRUE(channel_auth_is_valid(official_app(), {kSocket, "private-foobar", ""}, kPrivate));
    EXPECT_TRUE(channel_auth_is_valid(
        official_app(),
        {kSocket, "presence-foobar", R"({"user_id":10,"user_info":{"name":"Mr. Channels"}})"},
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

TEST(RequestAuth, AcceptsTheOfficialVector) { EXPECT_EQ(check(official_request()), std::nullopt); }

TEST(RequestAuth, AcceptsTenMinutesOfSkewEitherWayAndNotASecondMore) {
    EXPECT_EQ(check(official_request(), kThen + 600s), std::nullopt);
    EXPECT_EQ(check(official_request(), kThen - 600s), std::nullopt);
    EXPECT_NE(check(official_request(), kThen + 601s), std::nullopt);
    EXPECT_NE(check(official_request(), kThen - 601s), std::nullopt);
}

TEST(RequestAuth, RefusesAnotherBodyMethodPathOrParameter) {
    HttpRequest request = official_request();
    request.body += " ";
    EXPECT_NE(check(request), std::nullopt);
    request = official_request();
    request.method = "GET";
    EXPECT_NE(check(request), std::nullopt);
    request = official_request();
    request.target.replace(0, 7, "/apps/4");
    EXPECT_NE(check(request), std::nullopt);
    request = official_request();
    request.target += "&more=1";
    EXPECT_NE(check(request), std::nullopt);
}

TEST(RequestAuth, RefusesAMissingParameterAndATimestampThatIsNone) {
    for (const char* name : {"auth_key", "auth_timestamp", "auth_version", "auth_signature", "body_md5"}) {
        HttpRequest request = official_request();
        request.target.replace(request.target.find(name), 1, "x");
        EXPECT_NE(check(request), std::nullopt) << name;
    }
    HttpRequest request = official_request();
    request.target.replace(request.target.find("1353088179"), 10, "1353088179x");
    EXPECT_NE(check(request), std::nullopt);
}

TEST(RequestAuth, LooksAtTheBodyByItsDigestAlone) {
    HttpRequest request = official_request();
    request.body.clear();
    EXPECT_EQ(check_request_signature(official_app(), request, *parse_query(request.query()), kThen), std::nullopt)
        << "the body may be still to come";
    EXPECT_NE(check(request), std::nullopt);
}

TEST(RequestAuth, RefusesWhatCanBeNoSignature) {
    const HttpRequest official = official_request();
    const std::size_t at = official.target.find("da454824");
    for (const std::size_t length : {std::size_t{0}, std::size_t{63}}) {
        HttpRequest request = official;
        request.target.resize(at + length);
        EXPECT_EQ(check(request), "auth_signature does not match");
    }
    HttpRequest request = official;
    request.target.replace(at, 2, "DA");
    EXPECT_EQ(check(request), "auth_signature does not match");
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

TEST(QueryParameters, AreRefusedWhenAnEscapeIsBrokenOrANameComesTwice) {
    EXPECT_FALSE(parse_query("a=%").has_value());
    EXPECT_FALSE(parse_query("a=%2").has_value());
    EXPECT_FALSE(parse_query("a=%zz").has_value());
    EXPECT_FALSE(parse_query("a=1&a=2").has_value());
    EXPECT_FALSE(parse_query("a=1&%61=2").has_value());
}

}  // namespace
}  // namespace tulle::node::pusher
