#include "node/pusher/wire/json_builder.hpp"

#include <string>

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "node/pusher/core/limits.hpp"
#include "node/pusher/wire/raw_json.hpp"

namespace tulle::node::pusher::json_builder_test {
namespace {

std::string object_of(std::size_t members) {
    std::string text = "{";
    for (std::size_t i = 0; i < members; ++i) {
        text.append(i == 0 ? "\"" : ",\"").append(std::to_string(i)).append("\":1");
    }
    return text + "}";
}

TEST(JsonBuilder, BuildsScalarsArraysAndTheObjectsInThem) {
    const std::string text =
        R"({"a":"\u00e9\n","b":[1,-2,18446744073709551615,1.5,true,null,["x",[]]],"c":[{"d":["e"],"f":""},{}],"":false})";
    EXPECT_EQ(*build_json(text, {}), boost::json::parse(text));
}

TEST(JsonBuilder, PassesOverObjectsThatNobodyLooksInto) {
    EXPECT_EQ(*build_json(R"({"a":{"b":{"c":[1]},"d":"e"},"f":[[{"g":1}],{"h":{"i":1},"j":[{"k":1}]}],"l":2})", {}),
              boost::json::parse(R"({"a":{},"f":[[{}],{"h":{},"j":[{}]}],"l":2})"));
}

TEST(JsonBuilder, HoldsNoTableOfManyKeys) {
    const auto parsed = build_json("{\"user_info\":" + object_of(100'000) + "}", {});
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->at("user_info"), boost::json::object());
    EXPECT_TRUE(build_json(object_of(kMaxJsonMembers), {}).has_value());
    EXPECT_EQ(build_json(object_of(kMaxJsonMembers + 1), {}).error(), JsonErrc::kTooManyMembers);
    EXPECT_EQ(build_json("{\"batch\":[" + object_of(kMaxJsonMembers + 1) + "]}", {}).error(),
              JsonErrc::kTooManyMembers);
    EXPECT_EQ(build_json(R"({"a":{"b":1,}})", {}).error(), JsonErrc::kMalformed) << "what is passed over is checked";
    EXPECT_EQ(build_json("[" + object_of(1) + "]", {}).error(), JsonErrc::kNotAnObject);
}

TEST(JsonBuilder, RefusesNestingBeyondTheLimitWhereverItIs) {
    const auto nested = [](std::size_t depth) {
        return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
    };
    EXPECT_TRUE(build_json(nested(kMaxJsonDepth - 1), {}).has_value());
    EXPECT_EQ(build_json(nested(kMaxJsonDepth), {}).error(), JsonErrc::kTooDeep);
    EXPECT_EQ(build_json("{\"a\":" + nested(kMaxJsonDepth - 1) + "}", {}).error(), JsonErrc::kTooDeep);
}

TEST(RawObject, HandsOnTheSourceOfAnObjectThatIsPassedOver) {
    const auto object = RawObject::parse(R"({"id":1,"user_info":{"a":{"b" : 1}}})");
    ASSERT_TRUE(object.has_value());
    EXPECT_EQ(object->raw("user_info"), R"({"a":{"b" : 1}})");
}

}  // namespace
}  // namespace tulle::node::pusher::json_builder_test
