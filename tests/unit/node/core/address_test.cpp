#include "node/core/address.hpp"

#include <gtest/gtest.h>

namespace tulle::node::address_test {
namespace {

TEST(Address, IsAHostAndAPort) {
    EXPECT_EQ(parse_address("10.0.0.1:80"), (Address{"10.0.0.1", 80}));
    EXPECT_EQ(parse_address("[::1]:0"), (Address{"::1", 0}));
    EXPECT_EQ(parse_address("n1.example:65535"), (Address{"n1.example", 65535}));
}

TEST(Address, IsNothingWithoutEitherOrWithAPortThatIsNone) {
    for (const char* text : {"", ":1", "host", "host:", "host:x", "host:65536", "host:-1", "host:1 ", "a b:1", "::1:80",
                             "[]:1", "[host]:1"}) {
        EXPECT_EQ(parse_address(text), std::nullopt) << text;
    }
}

TEST(Address, PrintsWhatItParses) {
    EXPECT_EQ(to_string(*parse_address("[fe80::1]:7")), "[fe80::1]:7");
    EXPECT_EQ(to_string(*parse_address("host:7")), "host:7");
}

TEST(Address, KnowsLoopbackByItsText) {
    EXPECT_TRUE((Address{"127.0.0.1", 1}.is_loopback()));
    EXPECT_TRUE((Address{"127.9.8.7", 1}.is_loopback()));
    EXPECT_TRUE((Address{"::1", 1}.is_loopback()));
    EXPECT_TRUE((Address{"::ffff:127.0.0.1", 1}.is_loopback()));
    EXPECT_FALSE((Address{"::ffff:10.0.0.1", 1}.is_loopback()));
    EXPECT_TRUE((Address{"localhost", 1}.is_loopback()));
    EXPECT_FALSE((Address{"0.0.0.0", 1}.is_loopback()));
    EXPECT_FALSE((Address{"127.evil.example.com", 1}.is_loopback()));
    EXPECT_FALSE((Address{"10.0.0.1", 1}.is_loopback()));
}

}  // namespace
}  // namespace tulle::node::address_test
