#include "mesh/base/ids.hpp"

#include <gtest/gtest.h>

namespace tulle::ids_test {
namespace {

TEST(OriginIdText, IsSixteenHexDigitsAndComesBack) {
    EXPECT_EQ(to_hex(OriginId{0xabcULL}), "0000000000000abc");
    EXPECT_EQ(origin_from_hex("0000000000000abc"), OriginId{0xabcULL});
    EXPECT_EQ(origin_from_hex(to_hex(OriginId{~0ULL})), OriginId{~0ULL});
}

TEST(OriginIdText, RefusesAnyOtherText) {
    for (const char* text :
         {"", "abc", "000000000000000g", "0000000000000abc0", " 000000000000abc", "-00000000000abcd"}) {
        EXPECT_FALSE(origin_from_hex(text)) << text;
    }
}

}  // namespace
}  // namespace tulle::ids_test
