#include "mesh/base/bytes.hpp"

#include <gtest/gtest.h>

namespace tulle::bytes_test {
namespace {

TEST(StableHash, IsTheSameOnEveryMachine) {
    // Digests travel between builds: these values may never change within a protocol version.
    EXPECT_EQ(stable_hash(""), 0xf52a15e9a9b5e89bULL);
    EXPECT_EQ(stable_hash("app/news"), stable_hash(std::string("app/") + "news"));
    EXPECT_NE(stable_hash("app/news"), stable_hash("app/newt"));
}

}  // namespace
}  // namespace tulle::bytes_test
