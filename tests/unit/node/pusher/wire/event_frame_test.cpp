#include "node/pusher/wire/event_frame.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "mesh/base/prng.hpp"
#include "node/pusher/wire/codec.hpp"

namespace tulle::node::pusher::event_frame_test {
namespace {

TEST(EventFrame, HandsJsonOnByteForByte) {
    EXPECT_EQ(event_frame("news", {"App\\Event", R"("{\"a\":1}")"}),
              R"({"channel":"news","event":"App\\Event","data":"{\"a\":1}"})");
    EXPECT_EQ(event_frame("private-a", {"client-e", R"({"n" : 1.0, "t":"\ud83d"})", DataKind::kJson, "7"}),
              R"({"channel":"private-a","event":"client-e","data":{"n" : 1.0, "t":"\ud83d"},"user_id":7})");
    EXPECT_EQ(event_members({"e", ""}), R"(,"event":"e"})");
    EXPECT_EQ(event_members(gap_body(3)), R"(,"event":"tulle:gap","data":"{\"missing\":3}"})");
}

TEST(EventFrame, WritesNamesThatNoTextHolds) {
    EXPECT_EQ(event_members({event_name("client-\xef\xbf\xbd", R"("client-\ud83d")"), "1"}),
              R"(,"event":"client-\ud83d","data":1})");
    EXPECT_EQ(event_members({event_name("plain", ""), "1"}), R"(,"event":"plain","data":1})");
    EXPECT_EQ(event_members({"", "1"}), R"(,"event":"message","data":1})");
}

TEST(EventFrame, ShowsBytesAsTheirTextOrAsBase64) {
    const auto data = [](std::string_view bytes) { return event_members({"e", bytes, DataKind::kBytes}); };
    EXPECT_EQ(data("caf\xc3\xa9 \"x\"\n"), ",\"event\":\"e\",\"data\":\"caf\xc3\xa9 \\\"x\\\"\\n\"}");
    EXPECT_EQ(data(""), R"(,"event":"e","data":""})");
    EXPECT_EQ(data(std::string_view("\xff", 1)), R"(,"event":"e","data":"/w==","encoding":"base64"})");
    EXPECT_EQ(data(std::string_view("\xff\xfe", 2)), R"(,"event":"e","data":"//4=","encoding":"base64"})");
    EXPECT_EQ(data(std::string_view("\xff\xfe\x00", 3)), R"(,"event":"e","data":"//4A","encoding":"base64"})");
    EXPECT_EQ(data(std::string_view("\xed\xa0\xbd", 3)), R"(,"event":"e","data":"7aC9","encoding":"base64"})")
        << "no UTF-8";
}

TEST(EventFrame, IsJsonWhateverTheBytes) {
    Prng prng(1);
    for (int i = 0; i < 5'000; ++i) {
        std::string bytes;
        for (std::uint64_t left = prng.below(20); left > 0; --left) {
            bytes.push_back(static_cast<char>(prng.below(prng.chance(50) ? 128 : 256)));
        }
        const EventBody body("e", bytes, DataKind::kBytes);
        boost::system::error_code error;
        boost::json::parse(event_frame("a", body), error);
        EXPECT_FALSE(error) << i;
        EXPECT_EQ(EventTail(body).size() + kEventFrameName.size() - 1, event_members(body).size());
    }
}

TEST(EventFrame, TellsTheDataAloneAsAValue) {
    EXPECT_EQ(event_data({"e", R"({"a":1})"}), R"({"a":1})");
    EXPECT_EQ(event_data({"e", ""}), "null");
    EXPECT_EQ(event_data({"e", "x", DataKind::kBytes}), R"("x")");
}

}  // namespace
}  // namespace tulle::node::pusher::event_frame_test
