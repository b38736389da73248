#include <stdexcept>
#include <string>

#include <gtest/gtest.h>
#include <tulle/client.hpp>
#include <tulle/publisher.hpp>
#include <tulle/sign.hpp>

namespace tulle::local_authority_test {
namespace {

LocalCredentials credentials() {
    return {.app_key = "key",
            .app_secret = "secret",
            .channel_data = R"({"user_id":"ann"})",
            .user_data = R"({"id":"ann"})",
            .encryption_master_key_base64 = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="};
}

TEST(LocalAuthority, SignsEveryKindOfChannelWithWhatItNeeds) {
    const Authorizer authorizer = local_authorizer(credentials());
    const ChannelAuth plain = authorizer("1.2", "private-c");
    EXPECT_EQ(plain.auth, sign_channel("key", "secret", "1.2", "private-c"));
    EXPECT_EQ(plain.channel_data + plain.shared_secret, "");
    const ChannelAuth presence = authorizer("1.2", "presence-c");
    EXPECT_EQ(presence.auth, sign_channel("key", "secret", "1.2", "presence-c", R"({"user_id":"ann"})"));
    EXPECT_EQ(presence.channel_data, R"({"user_id":"ann"})");
    const ChannelAuth encrypted = authorizer("1.2", "private-encrypted-notes");
    EXPECT_EQ(encrypted.auth, sign_channel("key", "secret", "1.2", "private-encrypted-notes"));
    EXPECT_EQ(encrypted.shared_secret, "6HIu2Ml7LuqS2ArXzUM4z9ISQnR6KeWiGTOTByNKJZg=");
}

TEST(LocalAuthority, RefusesEncryptedChannelsWithoutAMasterKeyAndOneThatIsNone) {
    LocalCredentials without = credentials();
    without.encryption_master_key_base64.clear();
    EXPECT_EQ(local_authorizer(without)("1.2", "private-encrypted-notes").auth, "");
    without.encryption_master_key_base64 = "short";
    EXPECT_THROW((void)local_authorizer(without), std::invalid_argument);
    EXPECT_THROW((void)shared_secret("short", "private-encrypted-notes"), std::invalid_argument);
    EXPECT_THROW(Publisher({.servers = {"http://127.0.0.1:9"},
                            .app_id = "a",
                            .app_key = "k",
                            .app_secret = "s",
                            .encryption_master_key_base64 = "short"}),
                 std::invalid_argument);
}

TEST(LocalAuthority, SignsAUserIn) {
    const UserAuth auth = local_user_authenticator(credentials())("1.2");
    EXPECT_EQ(auth.auth, sign_user("key", "secret", "1.2", R"({"id":"ann"})"));
    EXPECT_EQ(auth.user_data, R"({"id":"ann"})");
}

TEST(Client, TakesNoMoreSubscriptionsThanItsLimitAndNoneWithoutAHandler) {
    Client client({.servers = {"ws://127.0.0.1:9"}, .app_key = "key"});
    EXPECT_THROW((void)client.subscribe("news", ChannelHandlers{}), std::invalid_argument);
    EXPECT_THROW((void)client.subscribe("no such name", [](const Event&) {}), std::invalid_argument);
    std::vector<Subscription> held;
    for (int n = 0; n < 16'384; ++n) {
        held.push_back(client.subscribe("news", [](const Event&) {}));
    }
    EXPECT_THROW((void)client.subscribe("news", [](const Event&) {}), std::length_error);
    held.pop_back();
    held.push_back(client.subscribe("news", [](const Event&) {}));
}

TEST(Client, TriggersNothingOnAnEncryptedChannel) {
    Client client({.servers = {"ws://127.0.0.1:9"}, .app_key = "key"});
    EXPECT_EQ(client.trigger("private-encrypted-notes", "client-x", "1"), TriggerResult::kInvalid);
}

}  // namespace
}  // namespace tulle::local_authority_test
