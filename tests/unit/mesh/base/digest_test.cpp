#include "mesh/base/digest.hpp"

#include <gtest/gtest.h>

namespace tulle {
namespace {

TEST(Digest, SignsAsPusherDocumentsIt) {
    EXPECT_EQ(hmac_sha256_hex("7ad3773142a6692b25b8", "1234.1234:private-foobar"),
              "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4");
}

TEST(Digest, HashesTheRfc1321TestString) {
    EXPECT_EQ(md5_hex("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
}

TEST(Digest, ComparesWholeTexts) {
    EXPECT_TRUE(equal_constant_time("abc", "abc"));
    EXPECT_FALSE(equal_constant_time("abc", "abd"));
    EXPECT_FALSE(equal_constant_time("abc", "ab"));
    EXPECT_TRUE(equal_constant_time("", ""));
}

}  // namespace
}  // namespace tulle
