#include "node/edge/refusal_watch.hpp"

#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace tulle::node::refusal_watch_test {
namespace {

constexpr Instant kStart{100s};
const PeerAddress kHere = peer_of_v4(0x7f000001);
const PeerAddress kThere = peer_of_v4(0x0a000001);

class RefusalWatchTest : public testing::Test {
protected:
    RefusalWatchTest() { watch_.set_events(log_); }
    [[nodiscard]] std::size_t told() const { return log_->read(0, 1000, EventKind::kClient).events.size(); }

    std::shared_ptr<EventLog> log_ = std::make_shared<EventLog>();
    RefusalWatch watch_;
};

TEST_F(RefusalWatchTest, TellsOfThoseWhoAreWatchedAndForTheGivenTimeAlone) {
    EXPECT_FALSE(watch_.is_on());
    watch_.tell(kStart, "a", kHere, "401");
    ASSERT_TRUE(watch_.watch({.app = "a"}, 10s, kStart));
    EXPECT_TRUE(watch_.is_on());
    watch_.tell(kStart + 1s, "b", kHere, "401");
    EXPECT_EQ(told(), 0u) << "another app";
    watch_.tell(kStart + 1s, "a", kHere, "401");
    ASSERT_EQ(told(), 1u);
    EXPECT_EQ(log_->read(0, 1, EventKind::kClient).events[0].text, "refused 127.0.0.1 (app a): 401");
    watch_.tell(kStart + 10s, "a", kHere, "401");
    EXPECT_EQ(told(), 1u) << "the time is over";
    EXPECT_FALSE(watch_.is_on());
}

TEST_F(RefusalWatchTest, AnAddressIsWatchedWhateverTheApp) {
    ASSERT_TRUE(watch_.watch({.address = kThere}, 10s, kStart));
    watch_.tell(kStart, "a", kHere, "401");
    watch_.tell(kStart, "", kThere, "4001");
    ASSERT_EQ(told(), 1u);
    EXPECT_EQ(log_->read(0, 1, EventKind::kClient).events[0].text, "refused 10.0.0.1 (no app): 4001");
}

TEST_F(RefusalWatchTest, LinesAndWatchesAreBounded) {
    ASSERT_TRUE(watch_.watch({}, 10s, kStart));
    for (std::uint32_t i = 0; i < RefusalWatch::kLinesPerSecond + 7; ++i) {
        watch_.tell(kStart, "a", kHere, "401");
    }
    EXPECT_EQ(told(), RefusalWatch::kLinesPerSecond);
    watch_.tell(kStart + 1s, "a", kHere, "401");
    EXPECT_EQ(log_->read(0, 1000, EventKind::kClient).events.back().text,
              "(7 refusals before were not told) refused 127.0.0.1 (app a): 401");
    for (std::size_t i = 1; i < RefusalWatch::kMaxWatches; ++i) {
        EXPECT_TRUE(watch_.watch({.app = std::to_string(i)}, 10s, kStart));
    }
    EXPECT_FALSE(watch_.watch({.app = "one more"}, 10s, kStart));
    EXPECT_TRUE(watch_.watch({.app = "1"}, 10s, kStart)) << "the same watch again";
    EXPECT_TRUE(watch_.watch({.app = "one more"}, 10s, kStart + 10s)) << "the others are over";
}

}  // namespace
}  // namespace tulle::node::refusal_watch_test
