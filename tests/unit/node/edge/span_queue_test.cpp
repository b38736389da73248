// Spans on their way to the exporter.
#include "node/edge/span_queue.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace tulle::node::span_queue_test {
namespace {

TraceContext example() {
    return *sampled_context("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
}

TEST(SpanQueue, DrawsANewIdInTheSameTrace) {
    SpanQueue queue(7);
    const TraceContext parent = example();
    const TraceContext one = queue.child_of(parent);
    const TraceContext other = queue.child_of(parent);
    EXPECT_EQ(one.trace, parent.trace);
    EXPECT_NE(one.span, parent.span);
    EXPECT_NE(one.span, other.span);
}

TEST(SpanQueue, CountsTheSpansWithoutRoom) {
    SpanQueue queue(7);
    for (std::size_t i = 0; i < SpanQueue::kMost + 3; ++i) {
        queue.add({.context = example()});
    }
    std::vector<Span> spans;
    EXPECT_EQ(queue.take(spans), 3U);
    EXPECT_EQ(spans.size(), SpanQueue::kMost);
    EXPECT_EQ(queue.take(spans), 0U);
    EXPECT_TRUE(spans.empty());
}

}  // namespace
}  // namespace tulle::node::span_queue_test
