#include "mesh/base/json_text.hpp"

#include <gtest/gtest.h>

#include "mesh/base/prng.hpp"

namespace tulle::json_text_test {
namespace {

std::string json(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

TEST(JsonText, IsWrittenWithTheEscapesThatItNeeds) {
    EXPECT_EQ(json("plain \xc3\xa9 \xf0\x9f\x98\x80 /"), "\"plain \xc3\xa9 \xf0\x9f\x98\x80 /\"");
    EXPECT_EQ(json("\"\\\b\f\n\r\t\x01\x1f"), R"("\"\\\b\f\n\r\t\u0001\u001f")");
    EXPECT_EQ(json("\xed\xa0\xbd and \xed\xb8\x80"), R"("\ud83d and \ude00")") << "halves of a pair";
    EXPECT_EQ(json("\xed\x95\x9c"), "\"\xed\x95\x9c\"") << "a letter that begins with the same byte";
}

TEST(JsonText, IsReadWithAllEscapesThatJsonHas) {
    EXPECT_EQ(json_string_text(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
    EXPECT_EQ(json_string_text(R"("\u0041\u00e9\u20AC\ud83d\ude00")"), "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    EXPECT_EQ(json_string_text(R"("\ud83d\u0041 \ude00")"),
              "\xed\xa0\xbd"
              "A \xed\xb8\x80");
    for (const char* bad :
         {"", "\"", "a", "\"a", "a\"", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"a\"b\"", "\"\n\""}) {
        EXPECT_FALSE(json_string_text(bad)) << bad;
    }
}

TEST(JsonText, ComesBackAsItWas) {
    Prng prng(1);
    for (int i = 0; i < 20'000; ++i) {
        std::string text;
        for (std::uint64_t left = prng.below(12); left > 0; --left) {
            constexpr std::string_view kPieces[] = {
                "a", "\"", "\\", "\n", "\x01", "\xc3\xa9", "\xed\xa0\xbd", "\xed\xb8\x80", "\xed\x95\x9c", "u00e9"};
            text.append(kPieces[prng.below(std::size(kPieces))]);
        }
        if (text.find("\xed\xa0\xbd\xed\xb8\x80") != std::string::npos) {
            continue;  // the two halves of one character are that character
        }
        EXPECT_EQ(json_string_text(json(text)), text);
        EXPECT_TRUE(!is_plain_json_text(text) || json(text) == "\"" + text + "\"");
    }
}

}  // namespace
}  // namespace tulle::json_text_test
