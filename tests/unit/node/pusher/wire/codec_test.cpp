#include "node/pusher/wire/codec.hpp"

#include <string>

#include <gtest/gtest.h>

#include "node/pusher/wire/event_frame.hpp"
#include "node/pusher/wire/raw_json.hpp"

namespace tulle::node::pusher::codec_test {
namespace {

FrameErrc error_of(std::string_view text) {
    const Result<ClientFrame, FrameErrc> frame = parse_client_frame(text);
    EXPECT_FALSE(frame.has_value()) << text;
    return frame.has_value() ? FrameErrc{-1} : frame.error();
}

TEST(ClientFrame, HoldsTheVeryBytesOfItsData) {
    const std::string data = "{ \"a\" :1.0e5,\t\"b\":\"\\u00e9 }]\\\"\", \"c\":[ {} , 1e400 ] }";
    const std::string text = "{\"channel\":\"private-a\" , \"data\" : " + data + " ,\"event\":\"client-x\"}";
    const auto frame = parse_client_frame(text);
    ASSERT_TRUE(frame.has_value());
    EXPECT_EQ(frame->event, "client-x");
    EXPECT_EQ(frame->channel, "private-a");
    EXPECT_EQ(frame->data, data);
}

TEST(ClientFrame, TakesDataOfAnyTypeOrNone) {
    for (const char* data : {"null", "true", "-1.5", "\"text\"", "[]", "{}", "\"\""}) {
        const std::string text = std::string("{\"event\":\"client-x\",\"data\":") + data + "}";
        const auto frame = parse_client_frame(text);
        ASSERT_TRUE(frame.has_value()) << data;
        EXPECT_EQ(frame->data, data);
    }
    const auto frame = parse_client_frame("{\"event\":\"pusher:ping\"}");
    ASSERT_TRUE(frame.has_value());
    EXPECT_EQ(frame->data, "");
}

TEST(ClientFrame, TakesTheChannelOfASubscriptionFromItsData) {
    const auto frame = parse_client_frame(
        R"({"event":"pusher:subscribe","data":{"channel":"private-a","auth":"k:s","channel_data":"{\"user_id\": 1}"}})");
    ASSERT_TRUE(frame.has_value());
    EXPECT_EQ(frame->channel, "private-a");
    EXPECT_EQ(frame->auth, "k:s");
    EXPECT_EQ(frame->channel_data, "{\"user_id\": 1}");
}

TEST(ClientFrame, MustBeAJsonObject) {
    for (const char* text : {"", "x", "{", "{}x", "{\"event\":\"a\"} {}", "\xef\xbb\xbf{\"event\":\"a\"}",
                             "{'event':1}", "{\"event\":\"\\ud83d\",}"}) {
        EXPECT_EQ(error_of(text), FrameErrc::kNotJson) << text;
    }
    EXPECT_EQ(error_of("[]"), FrameErrc::kNotAnObject);
    EXPECT_EQ(error_of("1"), FrameErrc::kNotAnObject);
    EXPECT_EQ(error_of("{\"event\":\"\xff\"}"), FrameErrc::kNotUtf8);
    EXPECT_EQ(error_of("{\"event\":\"\xed\xa0\xbd\"}"), FrameErrc::kNotUtf8) << "half a character as bytes";
}

TEST(ClientFrame, HandsOnWhatNoTextOfOursCanHold) {
    const std::string text =
        R"({"event":"client-\ud83d","channel":"private-a","data":{"n":1e99999999999,"t":"\ude00\u0000","n":1e400}})";
    const auto frame = parse_client_frame(text);
    ASSERT_TRUE(frame.has_value());
    EXPECT_EQ(frame->channel, "private-a");
    EXPECT_TRUE(frame->event.starts_with("client-"));
    EXPECT_EQ(frame->data, R"({"n":1e99999999999,"t":"\ude00\u0000","n":1e400})");
    EXPECT_EQ(event_members(EventBody(event_name(frame->event, frame->raw_event), frame->data)),
              R"(,"event":"client-\ud83d","data":{"n":1e99999999999,"t":"\ude00\u0000","n":1e400}})");
    EXPECT_TRUE(parse_client_frame(R"({"event":"client-a","data":"\ud83d"})")->raw_event.empty())
        << "the text holds this name";
}

TEST(ClientFrame, CountsTheDataOfAStringWithoutItsEscapes) {
    EXPECT_EQ(parse_client_frame(R"({"event":"a","data":"\u4e2d\n\"x"})")->data_bytes, 6u);
    EXPECT_EQ(parse_client_frame(R"({"data":{"a" : "\n"},"event":"a"})")->data_bytes, 12u);
    EXPECT_EQ(parse_client_frame(R"({"event":"a"})")->data_bytes, 0u);
}

TEST(ClientFrame, IsRefusedWhenNestedTooDeep) {
    const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
    EXPECT_EQ(error_of("{\"event\":\"a\",\"data\":" + deep + "}"), FrameErrc::kTooDeep);
}

TEST(ClientFrame, IsRefusedWhenAMemberComesTwiceHoweverItIsWritten) {
    EXPECT_EQ(error_of(R"({"event":"a","event":"b"})"), FrameErrc::kDuplicate);
    EXPECT_EQ(error_of(R"({"event":"a","\u0065vent":"b"})"), FrameErrc::kDuplicate);
    EXPECT_EQ(error_of(R"({"event":"a","data":1,"data":2})"), FrameErrc::kDuplicate);
    EXPECT_EQ(error_of(R"({"event":"pusher:subscribe","data":{"channel":"a","channel":"b"}})"), FrameErrc::kDuplicate);
    EXPECT_EQ(error_of(R"({"event":"pusher:subscribe","data":{"channel":"a","auth":"1","auth":"2"}})"),
              FrameErrc::kDuplicate);
}

TEST(ClientFrame, IsRefusedWhenAMemberHasTheWrongType) {
    EXPECT_EQ(error_of("{}"), FrameErrc::kNoEvent);
    EXPECT_EQ(error_of(R"({"event":1})"), FrameErrc::kNoEvent);
    EXPECT_EQ(error_of(R"({"event":"client-a","channel":[]})"), FrameErrc::kBadChannel);
    EXPECT_EQ(error_of(R"({"event":"pusher:subscribe"})"), FrameErrc::kBadData);
    EXPECT_EQ(error_of(R"({"event":"pusher:subscribe","data":"x"})"), FrameErrc::kBadData);
    EXPECT_EQ(error_of(R"({"event":"pusher:subscribe","data":{"channel":1}})"), FrameErrc::kBadData);
    EXPECT_EQ(error_of(R"({"event":"pusher:subscribe","data":{"channel":"a","auth":{}}})"), FrameErrc::kBadData);
}

TEST(ServerFrame, IsWrittenAsTheProtocolHasIt) {
    EXPECT_EQ(connection_established("1.2", 120s),
              R"({"event":"pusher:connection_established","data":"{\"socket_id\":\"1.2\",\"activity_timeout\":120}"})");
    EXPECT_EQ(subscription_succeeded("a"),
              R"({"event":"pusher_internal:subscription_succeeded","channel":"a","data":"{}"})");
    EXPECT_EQ(
        subscription_error("a", {"AuthError", "no", 401}),
        R"({"event":"pusher:subscription_error","channel":"a","data":{"type":"AuthError","error":"no","status":401}})");
    EXPECT_EQ(error_frame({4001, "gone"}), R"({"event":"pusher:error","data":{"code":4001,"message":"gone"}})");
    EXPECT_EQ(error_frame({std::nullopt, "what"}, "a\"b"),
              R"({"event":"pusher:error","channel":"a\"b","data":{"code":null,"message":"what"}})");
}

}  // namespace
}  // namespace tulle::node::pusher::codec_test
