#include "node/admin/admin_parameters.hpp"

#include <string>

#include <gtest/gtest.h>

#include "mesh/core/node/numbers.hpp"

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
    EXPECT_FALSE(none->is_brief);
    EXPECT_TRUE(parse_admin_parameters("brief=yes").value().is_brief);
}

TEST(AdminParameters, RefuseWhatIsMalformedOrOutOfRange) {
    for (const char* query : {"timeout_ms=0", "timeout_ms=10001", "timeout_ms=", "timeout_ms=1x", "timeout_ms=-1",
                              "timeout_ms=99999999999999999999", "app=%zz", "timeout_ms=1&timeout_ms=2", "brief=no"}) {
        EXPECT_FALSE(parse_admin_parameters(query).has_value()) << query;
    }
}

TEST(OrderParameters, AreRefusedWhenThePathDoesNotKnowThem) {
    const auto here = parse_drain_order("", true);
    ASSERT_TRUE(here.has_value());
    EXPECT_EQ(*here, (DrainOrder{"", true}));
    const auto there = parse_drain_order("node=n%202", false);
    ASSERT_TRUE(there.has_value());
    EXPECT_EQ(*there, (DrainOrder{"n 2", false}));
    // A misspelt name must not drain the node that is asked.
    for (const std::string& query : {std::string("nod=n2"), std::string("node="), std::string("node=a&node=b"),
                                     std::string("%"), "node=" + std::string(mesh::kMaxNameBytes + 1, 'n')}) {
        EXPECT_TRUE(parse_drain_order(query, true).has_error()) << query;
    }
    EXPECT_EQ(*parse_rebalance_rate(""), kDefaultRebalanceRate);
    EXPECT_EQ(*parse_rebalance_rate("max=10000"), kMaxRebalanceRate);
    for (const char* query : {"max=0", "max=10001", "max=", "max=5x", "maximum=5", "max=1&max=2"}) {
        EXPECT_TRUE(parse_rebalance_rate(query).has_error()) << query;
    }
}

TEST(EventsQuery, IsReadWithDefaultsAndRefusedWithAReason) {
    const auto none = parse_events_query("");
    ASSERT_TRUE(none.has_value());
    EXPECT_EQ(none->since, 0u);
    EXPECT_EQ(none->limit, kDefaultEventsLimit);
    EXPECT_FALSE(none->kind.has_value());
    EXPECT_EQ(none->wait, 0s);
    const auto given = parse_events_query("since=7&limit=2&kind=slow-client&wait_ms=10000");
    ASSERT_TRUE(given.has_value());
    EXPECT_EQ(given->since, 7u);
    EXPECT_EQ(given->limit, 2u);
    EXPECT_EQ(given->kind, EventKind::kSlowClient);
    EXPECT_EQ(given->wait, 10s);
    EXPECT_FALSE(given->is_of_mesh);
    const auto all = parse_events_query("all=yes&limit=200&kind=dead&timeout_ms=70");
    ASSERT_TRUE(all.has_value());
    EXPECT_TRUE(all->is_of_mesh);
    EXPECT_EQ(all->wait, 70ms);
    for (const char* query : {"since=-1", "limit=0", "limit=1001", "kind=", "kind=dead&kind=left", "wait_ms=10001",
                              "%zz", "kid=dead", "all=no", "all=yes&since=1", "all=yes&wait_ms=1", "all=yes&limit=201",
                              "timeout_ms=5", "all=yes&timeout_ms=0"}) {
        const auto refused = parse_events_query(query);
        ASSERT_TRUE(refused.has_error()) << query;
        EXPECT_FALSE(refused.error().empty()) << query;
    }
}

TEST(LogQuery, NamesAnAppAnAddressBothOrNone) {
    const auto all = parse_log_query("");
    ASSERT_TRUE(all.has_value());
    EXPECT_TRUE(all->app.empty());
    EXPECT_FALSE(all->address.has_value());
    EXPECT_EQ(all->time, 300s);
    const auto given = parse_log_query("app=shop&address=%3A%3Affff%3A10.0.0.1&for_s=5");
    ASSERT_TRUE(given.has_value());
    EXPECT_EQ(given->app, "shop");
    EXPECT_EQ(given->address, peer_of_v4(0x0a000001));
    EXPECT_EQ(given->time, 5s);
    for (const char* query : {"address=here", "for_s=0", "for_s=3601", "app=a&app=b", "ap=a"}) {
        const auto refused = parse_log_query(query);
        ASSERT_TRUE(refused.has_error()) << query;
        EXPECT_FALSE(refused.error().empty()) << query;
    }
}

}  // namespace
}  // namespace tulle::node::admin_parameters_test
