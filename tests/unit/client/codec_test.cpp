#include "client/wire/codec.hpp"

#include <gtest/gtest.h>

#include "client/wire/raw_member.hpp"
#include "client/wire/utf8.hpp"

namespace tulle::client::codec_test {
namespace {

ServerMessage decoded(std::string_view text) {
    const auto result = decode(text);
    EXPECT_TRUE(result.has_value()) << text;
    return result.has_value() ? *result : ServerMessage{Unknown{}};
}

DecodeErrc refused(std::string_view text) {
    const auto result = decode(text);
    EXPECT_TRUE(result.has_error()) << text;
    return result.error();
}

TEST(ClientCodec, ReadsTheFirstFrameWithItsDataInAString) {
    const ServerMessage expected{Established{"123.456", 120s}};
    EXPECT_EQ(decoded(R"({"event":"pusher:connection_established",)"
                      R"("data":"{\"socket_id\":\"123.456\",\"activity_timeout\":120}"})"),
              expected);
    EXPECT_EQ(
        decoded(R"({"event":"pusher:connection_established","data":{"socket_id":"123.456","activity_timeout":120}})"),
        expected);
}

TEST(ClientCodec, RefusesAFirstFrameThatLacksWhatItMustHave) {
    for (const char* data :
         {R"("x")", "7", "{}", R"({"socket_id":"1.2"})", R"({"socket_id":"12","activity_timeout":1})",
          R"({"socket_id":".2","activity_timeout":1})", R"({"socket_id":"1.","activity_timeout":1})",
          R"({"socket_id":"a.b","activity_timeout":1})", R"({"socket_id":"1.2","activity_timeout":0})",
          R"({"socket_id":"1.2","activity_timeout":"9"})"}) {
        EXPECT_EQ(refused(R"({"event":"pusher:connection_established","data":)" + std::string(data) + "}"),
                  DecodeErrc::kBadField)
            << data;
    }
}

TEST(ClientCodec, LimitsTheServersActivityTimeoutToADay) {
    EXPECT_EQ(decoded(R"({"event":"pusher:connection_established",)"
                      R"("data":{"socket_id":"1.2","activity_timeout":9000000000000000000}})"),
              ServerMessage(Established{"1.2", 24h}));
}

TEST(ClientCodec, ReadsPingPongAndErrorsInBothForms) {
    EXPECT_EQ(decoded(R"({"event":"pusher:ping"})"), ServerMessage(Ping{}));
    EXPECT_EQ(decoded(R"({"event":"pusher:pong","data":{}})"), ServerMessage(Pong{}));
    EXPECT_EQ(decoded(R"({"event":"pusher:error","data":{"code":4001,"message":"no"}})"),
              ServerMessage(ServerError{4001, "no", {}}));
    EXPECT_EQ(decoded(R"({"event":"pusher:error","channel":"c","data":"{\"code\":null,\"message\":\"no\"}"})"),
              ServerMessage(ServerError{std::nullopt, "no", "c"}));
    EXPECT_EQ(refused(R"({"event":"pusher:error","data":"no"})"), DecodeErrc::kBadField);
}

TEST(ClientCodec, ReadsWhatBecameOfASubscription) {
    EXPECT_EQ(decoded(R"({"event":"pusher_internal:subscription_succeeded","channel":"news","data":"{}"})"),
              ServerMessage(SubscriptionSucceeded{"news", "{}", {}}));
    EXPECT_EQ(decoded(R"({"event":"pusher_internal:subscription_succeeded","channel":"news"})"),
              ServerMessage(SubscriptionSucceeded{"news", "", {}}));
    EXPECT_EQ(
        decoded(R"({"event":"pusher:subscription_error","channel":"c","data":{"type":"AuthError","status":401}})"),
        ServerMessage(SubscriptionError{"c", R"({"type":"AuthError","status":401})",
                                        Fault{FaultKind::kRefused, 401, "AuthError", ""}}));
}

TEST(ClientCodec, GivesTheTextOfStringDataAndTheSourceOfAnyOther) {
    EXPECT_EQ(decoded(R"({"event":"e","channel":"c","data":"{\"a\":\"\u00e9\"}"})"),
              ServerMessage(ChannelEvent{"c", "e", "{\"a\":\"\xC3\xA9\"}", {}}));
    EXPECT_EQ(decoded(R"({"data": {"x": 3.14, "y": [1, "}"] } ,"event":"e","channel":"c"})"),
              ServerMessage(ChannelEvent{"c", "e", R"({"x": 3.14, "y": [1, "}"] })", {}}));
    EXPECT_EQ(decoded(R"({"event":"e","channel":"c","data":1e400})"),
              ServerMessage(ChannelEvent{"c", "e", "1e400", {}}));
    EXPECT_EQ(decoded(R"({"event":"e","channel":"c"})"), ServerMessage(ChannelEvent{"c", "e", "", {}}));
}

TEST(ClientCodec, GivesInternalEventsTheirPublicNames) {
    EXPECT_EQ(
        decoded(R"({"event":"pusher_internal:subscription_count","channel":"c","data":{"subscription_count":7}})"),
        ServerMessage(
            ChannelEvent{"c", "pusher:subscription_count", R"({"subscription_count":7})", {}, SubscriptionCount{7}}));
}

TEST(ClientCodec, ReadsTheUserIdOfAClientEventAsStringOrNumber) {
    EXPECT_EQ(decoded(R"({"event":"client-x","channel":"presence-c","data":"1","user_id":"u"})"),
              ServerMessage(ChannelEvent{"presence-c", "client-x", "1", "u"}));
    EXPECT_EQ(decoded(R"({"event":"client-x","channel":"presence-c","data":"1","user_id":10})"),
              ServerMessage(ChannelEvent{"presence-c", "client-x", "1", "10"}));
}

TEST(ClientCodec, LetsEventsWithoutAChannelPass) {
    EXPECT_EQ(decoded(R"({"event":"pusher:whatever","data":{}})"), ServerMessage(Unknown{}));
}

TEST(ClientCodec, GivesDataThatItNeedNotUnderstandByItsSource) {
    const std::string data =
        R"({"half":"\ud83d","n":1e99999999999,"deep":)" + std::string(500, '[') + std::string(500, ']') + "}";
    EXPECT_EQ(decoded(R"({"event":"client-x","channel":"private-c","data":)" + data + "}"),
              ServerMessage(ChannelEvent{"private-c", "client-x", data, {}}));
    EXPECT_EQ(decoded(R"({"event":"e","channel":"c","data":"half \ud83d"})"),
              ServerMessage(ChannelEvent{"c", "e", "half \xef\xbf\xbd", {}}));
}

TEST(ClientCodec, RefusesWhatIsNoFrame) {
    EXPECT_EQ(refused(""), DecodeErrc::kNotJson);
    EXPECT_EQ(refused("{"), DecodeErrc::kNotJson);
    EXPECT_EQ(refused("{} x"), DecodeErrc::kNotJson);
    EXPECT_EQ(refused("{\"event\":\"\xFF\"}"), DecodeErrc::kNotJson);
    EXPECT_EQ(
        refused(R"({"event":"e","data":)" + std::string(kMaxJsonDepth, '[') + std::string(kMaxJsonDepth, ']') + "}"),
        DecodeErrc::kNotJson);
    EXPECT_EQ(refused("[]"), DecodeErrc::kNotObject);
    EXPECT_EQ(refused("{}"), DecodeErrc::kNoEvent);
    EXPECT_EQ(refused(R"({"event":7})"), DecodeErrc::kNoEvent);
    EXPECT_EQ(refused(R"({"event":"e","channel":7})"), DecodeErrc::kBadField);
}

TEST(ClientCodec, WritesWhatTheProtocolWants) {
    EXPECT_EQ(encode(Ping{}), R"({"event":"pusher:ping","data":{}})");
    EXPECT_EQ(encode(Pong{}), R"({"event":"pusher:pong","data":{}})");
    EXPECT_EQ(encode(SubscribeRequest{"news", {}, {}}), R"({"event":"pusher:subscribe","data":{"channel":"news"}})");
    EXPECT_EQ(encode(SubscribeRequest{"presence-c", "k:s", R"({"user_id":1})"}),
              R"({"event":"pusher:subscribe","data":{"channel":"presence-c","auth":"k:s",)"
              R"("channel_data":"{\"user_id\":1}"}})");
    EXPECT_EQ(encode(UnsubscribeRequest{"news"}), R"({"event":"pusher:unsubscribe","data":{"channel":"news"}})");
    EXPECT_EQ(encode(SignInRequest{"k:s", R"({"id":"u"})"}),
              R"({"event":"pusher:signin","data":{"auth":"k:s","user_data":"{\"id\":\"u\"}"}})");
    EXPECT_EQ(encode(ClientEvent{"private-c", "client-x", "a\"b"}),
              R"({"event":"client-x","channel":"private-c","data":"a\"b"})");
}

TEST(ClientCodec, ReplacesBytesThatAreNotUtf8) {
    EXPECT_EQ(encode(ClientEvent{"private-c", "client-x", "a\xFF"}),
              "{\"event\":\"client-x\",\"channel\":\"private-c\",\"data\":\"a\xEF\xBF\xBD\"}");
}

TEST(ClientUtf8, KeepsWellFormedSequencesAndReplacesEachOtherByte) {
    EXPECT_EQ(valid_utf8("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    const std::string sign = "\xEF\xBF\xBD";
    EXPECT_EQ(valid_utf8("\xC0\xAF"), sign + sign);
    EXPECT_EQ(valid_utf8("\xED\xA0\x80"), sign + sign + sign);
    EXPECT_EQ(valid_utf8("\xF4\x90\x80\x80"), sign + sign + sign + sign);
    EXPECT_EQ(valid_utf8("\xE2\x82"), sign + sign);
}

TEST(ClientRawMember, FindsTheLastOfDuplicatesAndOnlyAtTheTop) {
    EXPECT_EQ(raw_member(R"({"data":1,"x":{"data":2},"data": [3] })", "data"), "[3]");
    EXPECT_EQ(raw_member(R"( { "x" : "data" } )", "data"), "");
    EXPECT_EQ(raw_member("{}", "data"), "");
    EXPECT_EQ(raw_member(R"({"x":"\"data\":1","data":null})", "data"), "null");
}

}  // namespace
}  // namespace tulle::client::codec_test
