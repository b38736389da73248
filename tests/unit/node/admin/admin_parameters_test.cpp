#include "node/admin/admin_parameters.hpp"

#include <gtest/gtest.h>

namespace tulle::node::admin_parameters_test {
namespace {

TEST(AdminParameters, AreDecodedAndHaveDefaults) {
    const auto given = parse_admin_parameters("app=one&channel=a%3Db&timeout_ms=10000");
    ASSERT_TRUE(given.has_value());
    EXPECT_EQ(given->app, "one");
    EXPECT_EQ(given->channel, "a=b");
    EXPECT_EQ(given->timeout, 10s);
    const auto none = parse_admin_parameters("");
    ASSERT_TRUE(none.has_value());
    EXPECT_EQ(none->app, "");
    EXPECT_EQ(none->timeout, 2s);
}

TEST(AdminParameters, RefuseWhatIsMalformedOrOutOfRange) {
    for (const char* query : {"timeout_ms=0", "timeout_ms=10001", "timeout_ms=", "timeout_ms=1x", "timeout_ms=-1",
                              "timeout_ms=99999999999999999999", "app=%zz", "timeout_ms=1&timeout_ms=2"}) {
        EXPECT_FALSE(parse_admin_parameters(query).has_value()) << query;
    }
}

}  // namespace
}  // namespace tulle::node::admin_parameters_test
