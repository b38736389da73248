#include "node/pusher/edge/event_history.hpp"

#include <gtest/gtest.h>

namespace tulle::node::event_history_test {
namespace {

TEST(EventHistory, ChannelsWithEqualLimitsShareThem) {
    EXPECT_EQ(history_of({}), nullptr);
    const auto history = history_of({{5, 10, 1s}, {}, {6, 10, 1s}, {5, 10, 1s}});
    ASSERT_TRUE(history);
    EXPECT_EQ(*history, (mesh::RecordHistory{{{5, 10, 1s}, {6, 10, 1s}}, {1, 0, 2, 1}}));
    EXPECT_EQ(history->of(1), nullptr);
    EXPECT_EQ(history->of(2)->size, 6u);
    EXPECT_EQ(history->of(4), nullptr);
}

TEST(EventHistory, WhatNobodyClaimsIsNoMoment) {
    mesh::HistoryPage page{.items = {{mesh::RecordNo{3}, {7, OriginId{2}}, share(EventBody("e", "1")), "1.2"}},
                           .has_more = true,
                           .whole_since_us = mesh::kNeverWhole,
                           .answered_us = 9};
    const pusher::HistoryFindings found = findings_of(page);
    ASSERT_EQ(found.events.size(), 1u);
    EXPECT_EQ(found.events[0].place, (pusher::HistoryPlace{7, OriginId{2}}));
    EXPECT_EQ(found.events[0].exclude_socket, "1.2");
    EXPECT_TRUE(found.has_more);
    EXPECT_FALSE(found.whole_since_us.has_value());
    page.whole_since_us = 5;
    EXPECT_EQ(findings_of(page).whole_since_us, 5u);
}

}  // namespace
}  // namespace tulle::node::event_history_test
