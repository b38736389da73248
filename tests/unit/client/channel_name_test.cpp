#include "client/core/channel_name.hpp"

#include <string>

#include <gtest/gtest.h>

namespace tulle::client::channel_name_test {
namespace {

TEST(ChannelName, IsOneToTwoHundredOfAFixedAlphabet) {
    EXPECT_TRUE(is_valid_channel_name("news"));
    EXPECT_TRUE(is_valid_channel_name("private-Aa0_-=@,.;:"));
    EXPECT_TRUE(is_valid_channel_name(std::string(200, 'x')));
    EXPECT_FALSE(is_valid_channel_name(""));
    EXPECT_FALSE(is_valid_channel_name(std::string(201, 'x')));
    EXPECT_FALSE(is_valid_channel_name("a b"));
    EXPECT_FALSE(is_valid_channel_name("a/b"));
    EXPECT_FALSE(is_valid_channel_name("#server-to-user-1"));
}

TEST(ChannelName, SaysByItsPrefixWhetherItNeedsAuthAndTakesClientEvents) {
    EXPECT_FALSE(needs_auth("news"));
    EXPECT_FALSE(needs_auth("my-private-news"));
    EXPECT_TRUE(needs_auth("private-news"));
    EXPECT_TRUE(needs_auth("presence-room"));
    EXPECT_TRUE(needs_auth("private-encrypted-news"));
    EXPECT_TRUE(allows_client_events("presence-room"));
    EXPECT_FALSE(allows_client_events("private-encrypted-news"));
    EXPECT_FALSE(allows_client_events("news"));
}

TEST(ChannelName, AClientEventHasAPrefixAndMore) {
    EXPECT_TRUE(is_client_event("client-x"));
    EXPECT_FALSE(is_client_event("client-"));
    EXPECT_FALSE(is_client_event("x"));
    EXPECT_FALSE(is_client_event("client-" + std::string(200, 'x')));
}

}  // namespace
}  // namespace tulle::client::channel_name_test
