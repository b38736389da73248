#include "mesh/base/digest.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace tulle::digest_test {
namespace {

TEST(Digest, SignsAsPusherDocumentsIt) {
    EXPECT_EQ(hmac_sha256_hex("7ad3773142a6692b25b8", "1234.1234:private-foobar"),
              "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4");
}

TEST(Digest, SignsTextAfterTextWithOneKeyAndWithOthersInBetween) {
    const std::string long_key(131, '\xaa');  // RFC 4231, cases 2, 6 and 7
    const auto sign_jefe = [] { return hmac_sha256_hex("Jefe", "what do ya want for nothing?"); };
    EXPECT_EQ(sign_jefe(), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(hmac_sha256_hex(long_key, "Test Using Larger Than Block-Size Key - Hash Key First"),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    EXPECT_EQ(hmac_sha256_hex(long_key,
                              "This is a test using a larger than block-size key and a larger than block-size data. "
                              "The key needs to be hashed before being used by the HMAC algorithm."),
              "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
    EXPECT_EQ(sign_jefe(), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(sign_jefe(), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(hmac_sha256_hex("", ""), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Digest, HashesTheRfc1321TestString) {
    EXPECT_EQ(md5_hex("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
    EXPECT_EQ(md5_hex(""), "d41d8cd98f00b204e9800998ecf8427e");
    EXPECT_EQ(md5_hex("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
}

TEST(Digest, DerivesKeysAsRfc5869DoesWithoutSaltAndInfo) {
    // RFC 5869, A.3.
    const std::vector<unsigned char> secret(22, 0x0b);
    std::array<unsigned char, 42> out{};
    hkdf_sha256(secret, "", out);
    const std::array<unsigned char, 42> expected{0x8d, 0xa4, 0xe7, 0x75, 0xa5, 0x63, 0xc1, 0x8f, 0x71, 0x5f, 0x80,
                                                 0x2a, 0x06, 0x3c, 0x5a, 0x31, 0xb8, 0xa1, 0x1f, 0x5c, 0x5e, 0xe1,
                                                 0x87, 0x9e, 0xc3, 0x45, 0x4e, 0x5f, 0x3c, 0x73, 0x8d, 0x2d, 0x9d,
                                                 0x20, 0x13, 0x95, 0xfa, 0xa4, 0xb6, 0x1a, 0x96, 0xc8};
    EXPECT_EQ(out, expected);
}

TEST(Digest, ComparesWholeTexts) {
    EXPECT_TRUE(equal_constant_time("abc", "abc"));
    EXPECT_FALSE(equal_constant_time("abc", "abd"));
    EXPECT_FALSE(equal_constant_time("abc", "ab"));
    EXPECT_TRUE(equal_constant_time("", ""));
}

}  // namespace
}  // namespace tulle::digest_test
