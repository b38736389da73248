// The context of a trace, as backends send it and as the mesh carries it.
#include "node/core/trace_context.hpp"

#include <string>

#include <gtest/gtest.h>

namespace tulle::node::trace_context_test {
namespace {

// The example of W3C Trace Context, 3.2.3.
const std::string kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string kSpan = "00f067aa0ba902b7";
const std::string kExample = "00-" + kTrace + "-" + kSpan + "-01";

TEST(TraceContext, ReadsASampledTrace) {
    const auto context = sampled_context(kExample);
    ASSERT_TRUE(context);
    EXPECT_EQ(to_hex(context->trace), kTrace);
    EXPECT_EQ(to_hex(context->span), kSpan);
    // Other flags than "sampled" are for later versions.
    EXPECT_EQ(sampled_context("00-" + kTrace + "-" + kSpan + "-ff"), context);
}

TEST(TraceContext, LeavesTracesAloneThatAreNotSampled) {
    EXPECT_FALSE(sampled_context("00-" + kTrace + "-" + kSpan + "-00"));
    EXPECT_FALSE(sampled_context("00-" + kTrace + "-" + kSpan + "-02"));
}

TEST(TraceContext, RefusesWhatIsNoContext) {
    for (const std::string& text :
         {std::string(), std::string("00"), kExample.substr(1), kExample + "0", kExample + "-00",
          "ff-" + kTrace + "-" + kSpan + "-01", "00-" + std::string(32, '0') + "-" + kSpan + "-01",
          "00-" + kTrace + "-" + std::string(16, '0') + "-01", "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + kSpan + "-01",
          "00_" + kTrace + "-" + kSpan + "-01", "00-" + kTrace + "_" + kSpan + "-01",
          "00-" + kTrace + "-" + kSpan + "_01", "0g-" + kTrace + "-" + kSpan + "-01",
          "00-" + kTrace + "-" + kSpan + "-0g", "00-" + kTrace + "-" + kSpan.substr(1) + "\xff-01"}) {
        EXPECT_FALSE(sampled_context(text)) << text;
    }
}

TEST(TraceContext, ReadsLaterVersionsByTheirBeginning) {
    EXPECT_TRUE(sampled_context("01-" + kTrace + "-" + kSpan + "-01"));
    EXPECT_TRUE(sampled_context("cc-" + kTrace + "-" + kSpan + "-01-what-the-future-will-be"));
    EXPECT_FALSE(sampled_context("cc-" + kTrace + "-" + kSpan + "-01.what-the-future-will-not-be"));
}

TEST(TraceContext, ComesBackFromBytes) {
    const auto context = sampled_context(kExample);
    ASSERT_TRUE(context);
    const std::string bytes = to_bytes(*context);
    EXPECT_EQ(bytes.size(), kTraceContextBytes);
    EXPECT_EQ(context_of(bytes), context);
    EXPECT_FALSE(context_of(bytes.substr(1)));
    EXPECT_FALSE(context_of(bytes + "x"));
    EXPECT_FALSE(context_of(""));
    EXPECT_FALSE(context_of(std::string(16, '\0') + bytes.substr(16)));
    EXPECT_FALSE(context_of(bytes.substr(0, 16) + std::string(8, '\0')));
}

}  // namespace
}  // namespace tulle::node::trace_context_test
