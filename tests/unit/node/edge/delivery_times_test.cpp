#include "node/edge/delivery_times.hpp"

#include <vector>

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

TEST(DeliveryTimesTest, SpansEndWithTheTurnAndOnlyOnce) {
    SpanQueue queue(1);
    ShardCounters counters;
    DeliveryTimes times;
    Span span;
    span.begun_ns = wall_ns();
    ASSERT_TRUE(times.has_room_for_span());
    times.trace(span, queue);
    // A wall clock that is set back leaves no span that ends before it has begun.
    span.begun_ns = wall_ns() + 3'600'000'000'000;
    ASSERT_TRUE(times.has_room_for_span());
    times.trace(span, queue);
    EXPECT_FALSE(times.is_empty());
    std::vector<Span> ended;
    EXPECT_EQ(queue.take(ended), 0u);
    EXPECT_TRUE(ended.empty()) << "the turn lasts";
    times.tell(Instant{100s}, counters);
    EXPECT_TRUE(times.is_empty());
    times.tell(Instant{100s}, counters);
    EXPECT_EQ(queue.take(ended), 0u);
    ASSERT_EQ(ended.size(), 2u);
    EXPECT_GE(ended[0].ended_ns, ended[0].begun_ns);
    EXPECT_GT(ended[0].ended_ns, 0u);
    EXPECT_EQ(ended[1].ended_ns, span.begun_ns);
}

TEST(DeliveryTimesTest, SpansWithoutRoomAreCounted) {
    SpanQueue queue(1);
    ShardCounters counters;
    DeliveryTimes times;
    for (std::size_t i = 0; i < DeliveryTimes::kMost; ++i) {
        ASSERT_TRUE(times.has_room_for_span());
        times.trace({}, queue);
    }
    EXPECT_FALSE(times.has_room_for_span());
    EXPECT_FALSE(times.has_room_for_span());
    times.tell(Instant{100s}, counters);
    EXPECT_EQ(counters.spans_dropped_total.get(), 2u);
    EXPECT_TRUE(times.has_room_for_span());
    EXPECT_TRUE(times.is_empty());
}

}  // namespace
}  // namespace tulle::node::delivery_times_test
