#include "node/pusher/wire/presence.hpp"

#include <gtest/gtest.h>

#include "node/pusher/core/limits.hpp"
#include "node/pusher/wire/event_frame.hpp"
#include "node/pusher/wire/raw_json.hpp"

namespace tulle::node::pusher::presence_test {
namespace {

Member parsed(std::string_view data) {
    const auto member = parse_member(data, 100);
    EXPECT_TRUE(member.has_value()) << data;
    return member ? *member : Member{};
}

TEST(PresenceMember, KeepsTheTypeOfTheIdAndTheBytesOfTheInfo) {
    EXPECT_EQ(parsed(R"({"user_id":10,"user_info":{"a" : 1.0}})"), (Member{"10", "10\n{\"a\" : 1.0}"}));
    EXPECT_EQ(parsed(R"({"user_id":"10"})"), (Member{"10", "\"10\"\n"}));
    EXPECT_EQ(parsed(R"({"user_id":-3,"user_info":null,"more":1})"), (Member{"-3", "-3\nnull"}));
    EXPECT_EQ(parsed(R"({"user_id":18446744073709551615})").user, "18446744073709551615");
    EXPECT_EQ(parsed(R"({"user_id":"a","user_info":{"name":"\ud83d","n":1e400}})"),
              (Member{"a", "\"a\"\n{\"name\":\"\\ud83d\",\"n\":1e400}"}));
    EXPECT_EQ(parsed("{\"user_id\":\"a\\nb\"}"), (Member{"a\nb", "\"a\\nb\"\n"}));
}

TEST(PresenceMember, IsRefusedWithItsReason) {
    const auto error = [](std::string_view data) { return parse_member(data, 100).error(); };
    for (const char* data : {"", "[]", "7", "{", "{\"user_id\":\"\xff\"}"}) {
        EXPECT_EQ(error(data), MemberErrc::kNoObject) << data;
    }
    EXPECT_EQ(error(R"({"user_id":1,"user_id":2})"), MemberErrc::kDuplicate);
    EXPECT_EQ(error(R"({"user_id":1,"user_info":1,"user_info":2})"), MemberErrc::kDuplicate);
    EXPECT_EQ(error(R"({"user_id":"a\ud83d"})"), MemberErrc::kHalfCharacter);
    EXPECT_EQ(error("{\"user_id\":1,\"user_info\":" + std::string(kMaxJsonDepth, '[') +
                    std::string(kMaxJsonDepth, ']') + "}"),
              MemberErrc::kTooDeep);
    for (const char* data : {"{}", R"({"user_id":""})", R"({"user_id":null})", R"({"user_id":1.5})",
                             R"({"user_id":[1]})", R"({"user_id":true})", R"({"user_id":1e30})"}) {
        EXPECT_EQ(error(data), MemberErrc::kNoId) << data;
    }
    EXPECT_EQ(error(R"({"user_id":")" + std::string(kMaxUserIdBytes + 1, 'u') + R"("})"), MemberErrc::kIdTooLong);
    EXPECT_EQ(error(R"({"user_id":1,"user_info":")" + std::string(99, 'x') + R"("})"), MemberErrc::kTooLarge);
}

TEST(PresenceFrames, ListUsersWithTypesAndInfo) {
    const PresenceRooms::Users users{{"10", share("10\n{\"n\":\"x\"}")}, {"bob", share("\"bob\"\n")}};
    EXPECT_EQ(presence_succeeded("presence-a", users),
              R"({"event":"pusher_internal:subscription_succeeded","channel":"presence-a","data":)" +
                  quoted(R"({"presence":{"count":2,"ids":[10,"bob"],"hash":{"10":{"n":"x"},"bob":null}}})") + "}");
    EXPECT_EQ(
        event_members(member_added_body("10\n{\"n\":\"x\"}")),
        R"(,"event":"pusher_internal:member_added","data":)" + quoted(R"({"user_id":10,"user_info":{"n":"x"}})") + "}");
    EXPECT_EQ(event_members(member_added_body("\"bob\"\n")),
              R"(,"event":"pusher_internal:member_added","data":)" + quoted(R"({"user_id":"bob"})") + "}");
    EXPECT_EQ(event_members(member_removed_body("10\n{\"n\":\"x\"}")),
              R"(,"event":"pusher_internal:member_removed","data":)" + quoted(R"({"user_id":10})") + "}");
}

}  // namespace
}  // namespace tulle::node::pusher::presence_test
