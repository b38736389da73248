#include "mesh/core/interest/interest_feed.hpp"

#include <gtest/gtest.h>

#include "tests/unit/mesh/core/interest_changes.hpp"

namespace tulle::mesh::interest_feed_test {
namespace {

constexpr Instant kStart{10s};

class InterestFeedTest : public testing::Test {
protected:
    /// A log of the channels a, b and c, each a chunk of its own. Keeps `changes` changes.
    static InterestLog three_chunks(std::size_t changes) {
        Limits limits;
        limits.interest_log = changes;
        limits.interest_bytes = 6;
        InterestLog log{limits};
        for (const char* channel : {"a", "b", "c"}) {
            add(log, channel);
        }
        return log;
    }

    InterestLog log_{Limits{}};
    InterestFeed feed_{Timing{}};
};

TEST_F(InterestFeedTest, CountsThePeerFromItsFirstPullOn) {
    add(log_, "a");
    EXPECT_FALSE(feed_.counted());
    EXPECT_FALSE(feed_.poll(kStart, log_).has_value());
    const InterestMessage answer = feed_.on_pull(kStart, log_, {});
    EXPECT_EQ(std::get<InterestDelta>(answer).changes.size(), 1u);
    EXPECT_TRUE(feed_.counted());
    EXPECT_EQ(feed_.acked(), InterestVersion{0});
}

TEST_F(InterestFeedTest, SendsAChangeAtOnceWhenIdleAndCoalescesTheNext) {
    static_cast<void>(feed_.on_pull(kStart, log_, {}));
    add(log_, "a");
    ASSERT_TRUE(feed_.poll(kStart + 1s, log_).has_value());
    add(log_, "b");
    EXPECT_FALSE(feed_.poll(kStart + 1s, log_).has_value());
    EXPECT_EQ(feed_.next_deadline(log_), kStart + 1s + 2ms);
    const auto delta = feed_.poll(kStart + 1s + 2ms, log_);
    ASSERT_TRUE(delta.has_value());
    EXPECT_EQ(delta->base, InterestVersion{1});
}

TEST_F(InterestFeedTest, RepeatsWhatIsNotAcknowledged) {
    static_cast<void>(feed_.on_pull(kStart, log_, {}));
    add(log_, "a");
    static_cast<void>(feed_.poll(kStart + 1s, log_));
    EXPECT_EQ(feed_.next_deadline(log_), kStart + 1100ms);
    const auto again = feed_.poll(kStart + 1100ms, log_);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->base, InterestVersion{0});
    feed_.on_ack(kStart + 1200ms, InterestVersion{1});
    EXPECT_EQ(feed_.next_deadline(log_), std::nullopt);
    EXPECT_EQ(feed_.acked(), InterestVersion{1});
}

TEST_F(InterestFeedTest, AnswersAPullBeyondTheLogWithASnapshot) {
    Limits limits;
    limits.interest_log = 1;
    InterestLog log{limits};
    add(log, "a");
    add(log, "b");
    const InterestMessage answer = feed_.on_pull(kStart, log, {});
    const auto& chunk = std::get<InterestChunk>(answer);
    EXPECT_EQ(chunk.base, InterestVersion{2});
    EXPECT_EQ(chunk.channels.size(), 2u);
    EXPECT_FALSE(feed_.poll(kStart + 1s, log).has_value());  // deltas wait for the snapshot
}

TEST_F(InterestFeedTest, BeginsNoSecondSnapshotForABelatedPull) {
    InterestLog log = three_chunks(2);
    const auto first = std::get<InterestChunk>(feed_.on_pull(kStart, log, {}));
    const auto again = std::get<InterestChunk>(feed_.on_pull(kStart + 100ms, log, {}));
    EXPECT_EQ(again.snapshot, first.snapshot);
    const InterestPull next{.have = {}, .snapshot = first.snapshot, .after = first.channels.back()};
    EXPECT_EQ(std::get<InterestChunk>(feed_.on_pull(kStart + 101ms, log, next)).after, "a");
    const InterestPull stale{.have = {}, .snapshot = first.snapshot + 7, .after = "b"};
    EXPECT_EQ(std::get<InterestChunk>(feed_.on_pull(kStart + 102ms, log, stale)).after, "");
}

TEST_F(InterestFeedTest, GoesOnWithASnapshotWhenAHeartbeatNamesWhatThePeerHadBefore) {
    InterestLog log = three_chunks(1);
    const auto first = std::get<InterestChunk>(feed_.on_pull(kStart, log, {.have = InterestVersion{1}}));
    feed_.on_ack(kStart + 10ms, InterestVersion{1});
    EXPECT_FALSE(feed_.poll(kStart + 1s, log).has_value());
    const InterestPull next{.have = InterestVersion{1}, .snapshot = first.snapshot, .after = "a"};
    EXPECT_EQ(std::get<InterestChunk>(feed_.on_pull(kStart + 20ms, log, next)).snapshot, first.snapshot);
    feed_.on_ack(kStart + 30ms, InterestVersion{3});
    EXPECT_EQ(feed_.acked(), InterestVersion{3});
}

TEST_F(InterestFeedTest, GoesOnWithAFreshSnapshotOfTheVersionThatThePeerHolds) {
    InterestLog log = three_chunks(Limits{}.interest_log);
    const InterestVersion held{3};
    auto chunk = std::get<InterestChunk>(feed_.on_pull(kStart, log, {.have = held, .fresh = true}));
    const std::uint64_t snapshot = chunk.snapshot;
    for (int chunks = 1; !chunk.last; ++chunks) {
        ASSERT_LT(chunks, 4) << "the snapshot begins again and again";
        feed_.on_ack(kStart + 250ms * chunks, held);
        const InterestPull next{.have = held, .snapshot = chunk.snapshot, .after = chunk.channels.back()};
        chunk = std::get<InterestChunk>(feed_.on_pull(kStart + 250ms * chunks, log, next));
    }
    EXPECT_EQ(chunk.snapshot, snapshot);
    feed_.on_ack(kStart + 2s, held);
    EXPECT_EQ(feed_.acked(), held);
    add(log, "d");
    EXPECT_TRUE(feed_.poll(kStart + 3s, log).has_value()) << "deltas follow the snapshot";
}

TEST_F(InterestFeedTest, BeginsNoSnapshotForABelatedPullOfOneThatHasEnded) {
    InterestLog log = three_chunks(2);
    const auto first = std::get<InterestChunk>(feed_.on_pull(kStart, log, {}));
    const InterestVersion held{3};
    EXPECT_TRUE(std::get<InterestDelta>(feed_.on_pull(kStart + 1s, log, {.have = held})).changes.empty());
    EXPECT_EQ(feed_.acked(), held);
    const InterestPull belated{.have = {}, .snapshot = first.snapshot, .after = "b"};
    EXPECT_EQ(std::get<InterestChunk>(feed_.on_pull(kStart + 2s, log, belated)).snapshot, first.snapshot);
    EXPECT_EQ(feed_.acked(), held) << "the peer still holds what it has acknowledged";
    add(log, "d");
    EXPECT_TRUE(feed_.poll(kStart + 3s, log).has_value());
}

TEST_F(InterestFeedTest, MakesAPeerPullThatTheLogNoLongerReaches) {
    Limits limits;
    limits.interest_log = 1;
    InterestLog log{limits};
    static_cast<void>(feed_.on_pull(kStart, log, {}));
    add(log, "a");
    add(log, "b");
    add(log, "c");
    const auto delta = feed_.poll(kStart + 1s, log);
    ASSERT_TRUE(delta.has_value());
    EXPECT_EQ(delta->base, InterestVersion{3});
    EXPECT_TRUE(delta->changes.empty());
}

}  // namespace
}  // namespace tulle::mesh::interest_feed_test
