#include "node/edge/delivery_times.hpp"

#include <gtest/gtest.h>

namespace tulle::node::delivery_times_test {
namespace {

using mesh::Numbered;

std::uint64_t count_of(const Histogram& histogram) {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
        count += histogram.in(i);
    }
    return count;
}

TEST(DeliveryTimesTest, MessagesCountByWhoNumberedThemAndOnlyOnce) {
    const Instant now{100s};
    ShardCounters counters;
    DeliveryTimes times;
    times.note({});
    EXPECT_TRUE(times.is_empty()) << "not measured";
    times.note({Numbered::By::kThisNode, now - 1ms});
    times.note({Numbered::By::kOtherNode, now - 3s});
    // The clock of the other node runs ahead, within its error.
    times.note({Numbered::By::kOtherNode, now + 20us});
    EXPECT_FALSE(times.is_empty());
    times.tell(now, counters);
    EXPECT_TRUE(times.is_empty());
    times.tell(now, counters);
    EXPECT_EQ(count_of(counters.delivery_local), 1u);
    EXPECT_EQ(counters.delivery_local.sum_us(), 1'000u);
    EXPECT_EQ(count_of(counters.delivery_mesh), 2u);
    EXPECT_EQ(counters.delivery_mesh.sum_us(), 3'000'000u);
    EXPECT_EQ(counters.delivery_mesh.in(0), 1u);
}

TEST(DeliveryTimesTest, BeyondTheLimitMessagesAreNotMeasured) {
    const Instant now{100s};
    ShardCounters counters;
    DeliveryTimes times;
    for (std::size_t i = 0; i < 2 * DeliveryTimes::kMost; ++i) {
        times.note({Numbered::By::kThisNode, now});
    }
    times.tell(now, counters);
    EXPECT_EQ(count_of(counters.delivery_local), DeliveryTimes::kMost);
    times.note({Numbered::By::kThisNode, now});
    times.tell(now, counters);
    EXPECT_EQ(count_of(counters.delivery_local), DeliveryTimes::kMost + 1);
}

}  // namespace
}  // namespace tulle::node::delivery_times_test
