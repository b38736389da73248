#include "mesh/base/json_members.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/prng.hpp"

namespace tulle::json_members_test {
namespace {

TEST(JsonMembers, GivesTheVeryBytesOfEachValue) {
    const auto members = json_members(R"( { "a" : {"x":"}\""} , "b":[1, "]"],"a":1e400 , "c\u0041":"z" } )");
    ASSERT_EQ(members.size(), 4u);
    EXPECT_EQ(members[0].name, "\"a\"");
    EXPECT_EQ(members[0].value, R"({"x":"}\""})");
    EXPECT_EQ(members[1].value, R"([1, "]"])");
    EXPECT_EQ(members[2].value, "1e400");
    EXPECT_EQ(members[3].name, R"("c\u0041")");
}

TEST(JsonValue, IsThatOfTheMemberInThisPlace) {
    constexpr std::string_view kText = R"( {"a":{"b":1} , "b" : "}", "a":2 } )";
    EXPECT_EQ(json_value(kText, 0), R"({"b":1})");
    EXPECT_EQ(json_value(kText, 1), R"("}")");
    EXPECT_EQ(json_value(kText, 2), "2");
    EXPECT_EQ(json_value(kText, 3), "");
    EXPECT_EQ(json_value("{}", 0), "");
}

TEST(JsonMembers, OfAnEmptyObjectAreNone) {
    EXPECT_TRUE(json_members("{}").empty());
    EXPECT_TRUE(json_members(" { } ").empty());
}

TEST(JsonMembers, EndAStringAtItsFirstQuoteThatIsNotEscaped) {
    const auto members = json_members(R"({"a":"\\\\","b":"\\\"","c":"","d":"\"}"})");
    ASSERT_EQ(members.size(), 4u);
    EXPECT_EQ(members[0].value, R"("\\\\")");
    EXPECT_EQ(members[1].value, R"("\\\"")");
    EXPECT_EQ(members[2].value, R"("")");
    EXPECT_EQ(members[3].value, R"("\"}")");
}

TEST(JsonElements, AreTheVeryBytesWithoutTheSpaceAround) {
    EXPECT_EQ(json_elements(R"( [ 1 , {"a":[2, "]"]},"\"," , [] ] )"),
              (std::vector<std::string_view>{"1", R"({"a":[2, "]"]})", R"("\",")", "[]"}));
    EXPECT_TRUE(json_elements("[]").empty());
    EXPECT_TRUE(json_elements(" [ ] ").empty());
}

TEST(JsonMembers, ComeToAnEndForAnyText) {
    Prng prng(1);
    const std::string letters = "{}[]\",:\\ a1";
    for (int i = 0; i < 20'000; ++i) {
        std::string text;
        for (std::uint64_t n = prng.below(24); n > 0; --n) {
            text.push_back(letters[prng.below(letters.size())]);
        }
        EXPECT_LE(json_members(text).size(), text.size());
        EXPECT_LE(json_elements(text).size(), text.size());
    }
}

}  // namespace
}  // namespace tulle::json_members_test
