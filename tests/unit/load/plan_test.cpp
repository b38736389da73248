#include <gtest/gtest.h>

#include "tools/load/plan.hpp"

namespace tulle::load::plan_test {
namespace {

using Numbers = std::vector<std::uint32_t>;

TEST(LoadPlan, OneChannelIsHeardByAll) {
    const Plan plan{.subscribers = 1'000};
    EXPECT_EQ(plan.streams(), 1U);
    EXPECT_EQ(plan.audience(), Numbers{1'000});
    EXPECT_EQ(plan.complaint(), "");
}

TEST(LoadPlan, ChannelsAreSharedOutInTurn) {
    const Plan plan{.subscribers = 5, .publishers = 2, .channels = 3, .published_channels = 3};
    EXPECT_EQ(plan.audience(), (Numbers{2, 2, 1}));
    EXPECT_EQ(plan.streams_of(0), (Numbers{0, 2}));
    EXPECT_EQ(plan.streams_of(1), Numbers{1});
}

TEST(LoadPlan, PublishersBeyondTheChannelsShareThemAndHearEachOther) {
    const Plan plan{.subscribers = 4, .publishers = 5, .channels = 2, .published_channels = 2, .publishers_hear = true};
    EXPECT_EQ(plan.streams(), 5U);
    EXPECT_EQ(plan.streams_per_channel(), 3U);
    EXPECT_EQ(plan.audience(), (Numbers{2 + 2, 2 + 1, 2 + 2, 2 + 1, 2 + 2}));  // channel 0 has publishers 0, 2 and 4
}

TEST(LoadPlan, PublishedChannelsLieEvenlyAmongAll) {
    const Plan plan{.subscribers = 10, .channels = 100, .subscriptions_each = 10, .published_channels = 10};
    for (std::uint32_t stream = 0; stream < 10; ++stream) {
        EXPECT_EQ(plan.channel_of(stream), stream * 10);  // of another subscriber each
        EXPECT_EQ(plan.first_channel(stream), stream * 10);
    }
    EXPECT_EQ(plan.audience(), Numbers(10, 1));
}

TEST(LoadPlan, SubscriptionsGoOnWithTheFirstChannelAfterTheLast) {
    const Plan plan{.subscribers = 2, .channels = 3, .subscriptions_each = 2, .published_channels = 3};
    EXPECT_EQ(plan.first_channel(1), 2U);
    EXPECT_EQ(plan.audience(), (Numbers{2, 1, 1}));
}

TEST(LoadPlan, SaysWhatCannotBe) {
    EXPECT_NE((Plan{.channels = 0}).complaint(), "");
    EXPECT_NE((Plan{.channels = 2, .subscriptions_each = 3, .published_channels = 2}).complaint(), "");
    EXPECT_NE((Plan{.channels = 1, .published_channels = 2}).complaint(), "");
    EXPECT_NE((Plan{.channels = kMaxStreams + 1, .published_channels = 1}).complaint(), "");
}

}  // namespace
}  // namespace tulle::load::plan_test
