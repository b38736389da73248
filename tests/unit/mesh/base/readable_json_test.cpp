#include "mesh/base/readable_json.hpp"

#include <gtest/gtest.h>

#include "mesh/base/utf8.hpp"

namespace tulle::readable_json_test {
namespace {

TEST(ReadableJson, PutsAStandInOfTheSameLengthForHalvesOfPairs) {
    EXPECT_EQ(readable_json(R"("\ud83d")"), R"("\ufffd")");
    EXPECT_EQ(readable_json(R"("\uDE00x\uD83D\uD83d\ude00\ud83d\n")"), R"("\ufffdx\ufffd\uD83d\ude00\ufffd\n")");
    EXPECT_EQ(readable_json(R"({"\udfff":1})"), R"({"\ufffd":1})");
}

TEST(ReadableJson, PutsZerosForAnExponentBeyondAnyDouble) {
    EXPECT_EQ(readable_json("[1e99999999999,-1.5E+123456789,2E-000000000]"),
              "[1e00000000000,-1.5E+000000000,2E-000000000]");
}

TEST(ReadableJson, LeavesAloneWhatAParserReadsAndWhatIsWrong) {
    for (const char* text : {"", "{}", R"("\ud83d\ude00")", R"("\\ud83d")", R"("\ud7ff\ue000")", R"("\ud83")",
                             R"("\ud8)", R"("\)", "1e400", "1e", "\\ud83d", R"("1e9999999999")", "[1e12345678]"}) {
        EXPECT_EQ(readable_json(text), std::nullopt) << text;
    }
}

TEST(ReadableJson, FindsHalfACharacter) {
    EXPECT_TRUE(has_half_character(R"(["a","\ud83dx"])"));
    EXPECT_FALSE(has_half_character(R"(["\ud83d\ude00",1e9999999999,"\\ud83d"])"));
}

TEST(Utf8, IsOfShortestFormsWithoutSurrogates) {
    for (const char* text : {"", "a", "\xc3\xa9", "\xe4\xb8\xad", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                             "\xf4\x8f\xbf\xbf"}) {
        EXPECT_TRUE(is_utf8(text)) << text;
    }
    for (const char* text : {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\xbd", "\xf0\x80\x80\x80",
                             "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xe4\xb8"}) {
        EXPECT_FALSE(is_utf8(text));
    }
}

TEST(Utf8, CountsCodePoints) {
    EXPECT_EQ(characters_in(""), 0u);
    EXPECT_EQ(characters_in("a\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80"), 4u);
}

}  // namespace
}  // namespace tulle::readable_json_test
