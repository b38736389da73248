#include "node/pusher/wire/history_position.hpp"

#include <gtest/gtest.h>

#include "node/pusher/wire/codec.hpp"

namespace tulle::node::pusher::history_position_test {
namespace {

constexpr OriginId kA{0x1a};
constexpr OriginId kB{0x2b};
const std::string kIdOfA = "0000000000000005000000000000001a";
const std::string kIdOfB = "0000000000000007000000000000002b";
const std::string kSettled = "00000000000000030000000000000000";

TEST(HistoryPosition, IsTheIdsOfTheLatestEventsJoined) {
    const HistoryPosition position{3, {{5, kA}, {7, kB}}};
    EXPECT_EQ(text_of(position), kSettled + "~" + kIdOfA + "~" + kIdOfB);
    EXPECT_EQ(position_of(text_of(position)), position);
    EXPECT_EQ(position_of(kIdOfB + "~" + kSettled + "~" + kIdOfA), position) << "in any order";
    EXPECT_EQ(position_of(kIdOfA + "~0000000000000004000000000000001a"), (HistoryPosition{0, {{5, kA}}}));
    EXPECT_EQ(place_of(kIdOfA), (HistoryPlace{5, kA}));
    EXPECT_EQ(place_of(kSettled), std::nullopt);
}

TEST(HistoryPosition, OtherTextsAreRefused) {
    std::string many = kSettled;
    for (std::size_t i = 1; i <= kMaxPositionPlaces; ++i) {
        many += "~" + id_of({1, OriginId{i}});
    }
    EXPECT_TRUE(position_of(many));
    many += "~" + id_of({1, OriginId{kMaxPositionPlaces + 1}});
    for (const std::string& text :
         {std::string(), std::string("~"), kIdOfA + "~", kIdOfA + kIdOfB, kIdOfA.substr(1), kIdOfA + "x",
          "x" + kIdOfA.substr(1), "-" + kIdOfA.substr(1), "f" + kIdOfA.substr(1), many}) {
        EXPECT_EQ(position_of(text), std::nullopt) << text;
    }
}

TEST(HistoryWish, HasAPositionOrARewind) {
    EXPECT_EQ(parse_history_wish("{}"), HistoryWish{});
    EXPECT_EQ(parse_history_wish(R"({"since":null,"rewind":null,"socket":null,"other":[{}]})"), HistoryWish{});
    EXPECT_EQ(parse_history_wish(R"({"since":")" + kIdOfA + R"(","socket":"1.2"})"),
              (HistoryWish{.since = HistoryPosition{0, {{5, kA}}}, .socket = "1.2"}));
    EXPECT_EQ(parse_history_wish(R"({"since":"x"})"), (HistoryWish{.is_bad_position = true}));
    EXPECT_EQ(parse_history_wish(R"({"rewind":500})"), (HistoryWish{.rewind = 500}));
    EXPECT_EQ(parse_history_wish(R"({"rewind":"30s"})"), (HistoryWish{.rewind_for = 30s}));
    EXPECT_EQ(parse_history_wish(R"({"rewind":"2m"})"), (HistoryWish{.rewind_for = 2min}));
    EXPECT_EQ(parse_history_wish(R"({"rewind":"24h"})"), (HistoryWish{.rewind_for = 24h}));
    for (const std::string_view json :
         {"", "1", "[]", "\"x\"", R"({"rewind":0})", R"({"rewind":501})", R"({"rewind":1.5})", R"({"rewind":-1})",
          R"({"rewind":"25h"})", R"({"rewind":"0s"})", R"({"rewind":"5"})", R"({"rewind":"s"})", R"({"rewind":"1 s"})",
          R"({"rewind":true})", R"({"since":1})", R"({"socket":1})", R"({"since":"x","rewind":1})",
          R"({"rewind":1,"rewind":2})", R"({"rewind":"4294967295h"})"}) {
        EXPECT_EQ(parse_history_wish(json), std::nullopt) << json;
    }
}

TEST(HistoryWish, StandsInTheDataOfASubscription) {
    const auto parse = [](const std::string& tulle) {
        return parse_client_frame(R"({"event":"pusher:subscribe","data":{"channel":"a")" + tulle + "}}");
    };
    EXPECT_EQ(parse("")->history, std::nullopt);
    EXPECT_EQ(parse(R"(,"tulle":null)")->history, std::nullopt);
    EXPECT_EQ(parse(R"(,"tulle":{"rewind":2})")->history, (HistoryWish{.rewind = 2}));
    EXPECT_EQ(parse(R"(,"tulle":{"rewind":0})").error(), FrameErrc::kBadData);
    EXPECT_EQ(parse(R"(,"tulle":"x")").error(), FrameErrc::kBadData);
    EXPECT_EQ(parse(R"(,"tulle":{},"tulle":{})").error(), FrameErrc::kDuplicate);
}

TEST(HistoryAnswer, SaysWhetherAllThatWasMissedComes) {
    EXPECT_EQ(render_history_answer({.replayed = 2, .at = HistoryPosition{3, {{5, kA}}}}),
              R"({"replayed":2,"at":")" + kSettled + "~" + kIdOfA + "\"}");
    EXPECT_EQ(render_history_answer({.is_resumed = true, .replayed = 1}), R"({"recovered":true,"replayed":1})");
    EXPECT_EQ(render_history_answer({.reason = "window", .is_resumed = true}),
              R"({"recovered":false,"reason":"window","replayed":0})");
    EXPECT_EQ(render_history_answer({.reason = "no_history"}), R"({"reason":"no_history","replayed":0})");
    EXPECT_EQ(subscription_succeeded("a", "{}"),
              R"({"event":"pusher_internal:subscription_succeeded","channel":"a","data":"{\"tulle\":{}}"})");
}

}  // namespace
}  // namespace tulle::node::pusher::history_position_test
