#include "client/io/auth_answers.hpp"

#include <stdexcept>
#include <variant>

#include <gtest/gtest.h>

namespace tulle::client::auth_answers_test {
namespace {

constexpr DialId kDial{3};
const std::string kKeyBase64 = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

Input ask_for(const std::string& channel, const ChannelAuth& auth) {
    return ask([&](const std::string&, const std::string&) { return auth; }, Authorize{kDial, "1.2", channel});
}

std::string reason_of(const Input& answer) {
    const auto* failed = std::get_if<AuthorizationFailed>(&answer);
    return failed == nullptr ? "authorized" : failed->reason;
}

TEST(AuthAnswers, CarryWhatTheAuthorizerGave) {
    std::string asked;
    const Authorizer authorizer = [&](const std::string& socket_id, const std::string& channel) {
        asked = socket_id + " " + channel;
        return ChannelAuth("key:s", R"({"user_id":10})");
    };
    const Input answer = ask(authorizer, Authorize{kDial, "1.2", "presence-c"});
    EXPECT_EQ(asked, "1.2 presence-c");
    const auto& authorized = std::get<Authorized>(answer);
    EXPECT_EQ(authorized.dial, kDial);
    EXPECT_EQ(authorized.request, (SubscribeRequest{"presence-c", "key:s", R"({"user_id":10})"}));
    EXPECT_EQ(authorized.user_id, "10");
}

TEST(AuthAnswers, LetAPresenceChannelHaveNoNameAndAnyPrivateOneItsData) {
    EXPECT_EQ(reason_of(ask_for("presence-c", ChannelAuth("key:s"))), "authorized");
    EXPECT_EQ(reason_of(ask_for("private-c", ChannelAuth("key:s", "anything"))), "authorized");
}

TEST(AuthAnswers, CarryTheBytesOfAnEncryptedChannelsKey) {
    const Input answer = ask_for("private-encrypted-c", ChannelAuth("key:s", {}, kKeyBase64));
    EXPECT_EQ(std::get<Authorized>(answer).key, "0123456789abcdef0123456789abcdef");
}

TEST(AuthAnswers, AreNoForARefusalAnExceptionAndNobodyToAsk) {
    EXPECT_EQ(reason_of(ask_for("private-c", {})), "the authorizer refused");
    EXPECT_EQ(reason_of(ask(Authorizer(), Authorize{kDial, "1.2", "private-c"})), "no authorizer");
    const Authorizer broken = [](const std::string&, const std::string&) -> ChannelAuth {
        throw std::runtime_error("no network");
    };
    const Input answer = ask(broken, Authorize{kDial, "1.2", "private-c"});
    EXPECT_EQ(reason_of(answer), "the authorizer failed: no network");
    EXPECT_EQ(std::get<AuthorizationFailed>(answer).data,
              R"({"type":"AuthError","error":"the authorizer failed: no network","status":401})");
}

TEST(AuthAnswers, AreNoForAnAnswerThatCannotBeUsed) {
    EXPECT_NE(reason_of(ask_for("presence-c", ChannelAuth("key:s", "{}"))).find("user_id"), std::string::npos);
    EXPECT_NE(reason_of(ask_for("private-encrypted-c", ChannelAuth("key:s"))).find("shared_secret"), std::string::npos);
    EXPECT_NE(reason_of(ask_for("private-encrypted-c", ChannelAuth("key:s", {}, "AAAA"))).find("shared_secret"),
              std::string::npos);
}

TEST(AuthAnswers, ForASignInAreLikewise) {
    const Authenticate question{kDial, "1.2"};
    const Input yes = ask([](const std::string& id) { return UserAuth{"key:" + id, "{}"}; }, question);
    EXPECT_EQ(std::get<Authenticated>(yes).request, (SignInRequest{"key:1.2", "{}"}));
    const auto reason = [&](const UserAuthenticator& authenticator) {
        return std::get<AuthenticationFailed>(ask(authenticator, question)).reason;
    };
    EXPECT_EQ(reason({}), "no user authenticator");
    EXPECT_EQ(reason([](const std::string&) { return UserAuth{}; }), "the user authenticator refused");
    EXPECT_EQ(reason([](const std::string&) -> UserAuth { throw std::runtime_error("x"); }),
              "the user authenticator failed: x");
}

}  // namespace
}  // namespace tulle::client::auth_answers_test
