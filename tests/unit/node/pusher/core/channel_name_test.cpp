#include "node/pusher/core/channel_name.hpp"

#include <string>

#include <gtest/gtest.h>

namespace tulle::node::channel_name_test {
namespace {

TEST(ChannelName, TellsTheTypeByAnAnchoredPrefix) {
    EXPECT_EQ(classify("news"), (ChannelKind{ChannelType::kPublic, false}));
    EXPECT_EQ(classify("cache-news"), (ChannelKind{ChannelType::kPublic, true}));
    EXPECT_EQ(classify("private-a"), (ChannelKind{ChannelType::kPrivate, false}));
    EXPECT_EQ(classify("private-cache-a"), (ChannelKind{ChannelType::kPrivate, true}));
    EXPECT_EQ(classify("private-encrypted-a"), (ChannelKind{ChannelType::kPrivateEncrypted, false}));
    EXPECT_EQ(classify("private-encrypted-cache-a"), (ChannelKind{ChannelType::kPrivateEncrypted, true}));
    EXPECT_EQ(classify("presence-a"), (ChannelKind{ChannelType::kPresence, false}));
    EXPECT_EQ(classify("presence-cache-a"), (ChannelKind{ChannelType::kPresence, true}));
}

TEST(ChannelName, IsNotMisledByAPrefixInTheMiddle) {
    EXPECT_EQ(classify("my-cache-a"), (ChannelKind{ChannelType::kPublic, false}));
    EXPECT_EQ(classify("not-private-a"), (ChannelKind{ChannelType::kPublic, false}));
    EXPECT_EQ(classify("private-my-cache-a"), (ChannelKind{ChannelType::kPrivate, false}));
    EXPECT_EQ(classify("PRIVATE-a"), (ChannelKind{ChannelType::kPublic, false}));
}

TEST(ChannelName, AllowsClientEventsOnPrivateAndPresenceAlone) {
    EXPECT_TRUE(classify("private-a").allows_client_events());
    EXPECT_TRUE(classify("presence-a").allows_client_events());
    EXPECT_FALSE(classify("private-encrypted-a").allows_client_events());
    EXPECT_FALSE(classify("a").allows_client_events());
}

TEST(ChannelName, HasOneToTwoHundredOfTheAllowedCharacters) {
    EXPECT_TRUE(is_valid_channel_name("aZ09_-=@,.;:"));
    EXPECT_TRUE(is_valid_channel_name(std::string(200, 'a')));
    EXPECT_FALSE(is_valid_channel_name(std::string(201, 'a')));
    for (const char* name : {"", "a b", "a/b", "a\"b", "a\nb", "\xc3\xa9", "#server-to-user-1"}) {
        EXPECT_FALSE(is_valid_channel_name(name)) << name;
    }
    EXPECT_FALSE(is_valid_channel_name(std::string_view("a\0b", 3)));
}

TEST(ChannelName, TellsTheChannelOfAUser) {
    EXPECT_EQ(user_of_channel("#server-to-user-a/b #"), "a/b #");
    EXPECT_EQ(user_of_channel("#server-to-user-" + std::string(128, 'u')), std::string(128, 'u'));
    for (const std::string& name : {std::string("#server-to-user-"), std::string("server-to-user-a"),
                                    std::string("#online-a"), "#server-to-user-" + std::string(129, 'u')}) {
        EXPECT_EQ(user_of_channel(name), std::nullopt) << name;
    }
    EXPECT_EQ(online_key("app", "a/b"), "app/#online-a/b");
    EXPECT_EQ(user_of_online_key("app/#online-a/b"), "a/b");
    EXPECT_EQ(user_of_online_key("app/online-a"), std::nullopt);
    EXPECT_TRUE(is_internal_key("app/#server-to-user-a"));
    EXPECT_FALSE(is_internal_key("app/a#"));
}

TEST(ChannelName, AndAppIdMakeAKeyThatComesApartAgain) {
    EXPECT_EQ(channel_key("app", "news"), "app/news");
    EXPECT_EQ(channel_of_key("app/news"), "news");
    EXPECT_TRUE(is_valid_app_id("app-1_X"));
    EXPECT_FALSE(is_valid_app_id("a/b"));
    EXPECT_FALSE(is_valid_app_id(""));
    EXPECT_FALSE(is_valid_app_id(std::string(65, 'a')));
}

}  // namespace
}  // namespace tulle::node::channel_name_test
