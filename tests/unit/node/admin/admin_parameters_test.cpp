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

TEST(EventsQuery, IsReadWithDefaultsAndRefusedWithAReason) {
    std::string why;
    const auto none = parse_events_query("", why);
    ASSERT_TRUE(none.has_value());
    EXPECT_EQ(none->since, 0u);
    EXPECT_EQ(none->limit, kDefaultEventsLimit);
    EXPECT_FALSE(none->kind.has_value());
    EXPECT_EQ(none->wait, 0s);
    const auto given = parse_events_query("since=7&limit=2&kind=slow-client&wait_ms=10000", why);
    ASSERT_TRUE(given.has_value());
    EXPECT_EQ(given->since, 7u);
    EXPECT_EQ(given->limit, 2u);
    EXPECT_EQ(given->kind, EventKind::kSlowClient);
    EXPECT_EQ(given->wait, 10s);
    EXPECT_TRUE(why.empty());
    for (const char* query :
         {"since=-1", "limit=0", "limit=1001", "kind=", "kind=dead&kind=left", "wait_ms=10001", "%zz"}) {
        why.clear();
        EXPECT_FALSE(parse_events_query(query, why).has_value()) << query;
        EXPECT_FALSE(why.empty()) << query;
    }
}

TEST(LogQuery, NamesAnAppAnAddressBothOrNone) {
    std::string why;
    const auto all = parse_log_query("", why);
    ASSERT_TRUE(all.has_value());
    EXPECT_TRUE(all->app.empty());
    EXPECT_FALSE(all->address.has_value());
    EXPECT_EQ(all->time, 300s);
    const auto given = parse_log_query("app=shop&address=%3A%3Affff%3A10.0.0.1&for_s=5", why);
    ASSERT_TRUE(given.has_value());
    EXPECT_EQ(given->app, "shop");
    EXPECT_EQ(given->address, peer_of_v4(0x0a000001));
    EXPECT_EQ(given->time, 5s);
    for (const char* query : {"address=here", "for_s=0", "for_s=3601", "app=a&app=b"}) {
        why.clear();
        EXPECT_FALSE(parse_log_query(query, why).has_value()) << query;
        EXPECT_FALSE(why.empty()) << query;
    }
}

}  // namespace
}  // namespace tulle::node::admin_parameters_test
