#include "node/pusher/core/count_teller.hpp"

#include <utility>

#include <gtest/gtest.h>

#include "node/pusher/core/webhook_limits.hpp"

namespace tulle::node::count_teller_test {
namespace {

using Told = std::vector<TellCount>;
constexpr Instant kStart{1000s};

class CountTellerTest : public ::testing::Test {
protected:
    Told count(Instant now, std::uint64_t n) {
        teller.on_count(now, "app/x", n, out);
        return std::exchange(out, {});
    }
    Told wait_until(Instant now) {
        teller.on_deadline(now, out);
        return std::exchange(out, {});
    }
    CountTeller teller;
    Told out;
};

TEST_F(CountTellerTest, TellsEachChangeOfASmallNumber) {
    EXPECT_EQ(count(kStart, 1), (Told{{"app/x", 1}}));
    EXPECT_EQ(count(kStart, 2), (Told{{"app/x", 2}}));
    EXPECT_EQ(count(kStart, 1), (Told{{"app/x", 1}}));
    EXPECT_EQ(count(kStart, 100), (Told{{"app/x", 100}}));
}

TEST_F(CountTellerTest, TellsTheSameNumberOnce) {
    count(kStart, 3);
    EXPECT_EQ(count(kStart + 1s, 3), Told{});
}

TEST_F(CountTellerTest, TellsNobodyThatNobodyIsThere) {
    count(kStart, 1);
    EXPECT_EQ(count(kStart, 0), Told{});
    EXPECT_EQ(count(kStart, 1), (Told{{"app/x", 1}}));
}

TEST_F(CountTellerTest, TellsALargeNumberOnceInAWhileAndTheLatestOne) {
    EXPECT_EQ(count(kStart, 500), (Told{{"app/x", 500}}));
    EXPECT_EQ(count(kStart + 1s, 501), Told{});
    EXPECT_EQ(count(kStart + 2s, 502), Told{});
    EXPECT_EQ(teller.next_deadline(), kStart + kCountInterval);
    EXPECT_EQ(wait_until(kStart + kCountInterval - 1ns), Told{});
    EXPECT_EQ(wait_until(kStart + kCountInterval), (Told{{"app/x", 502}}));
    EXPECT_EQ(count(kStart + kCountInterval, 503), Told{});
}

TEST_F(CountTellerTest, ANumberThatHasCalmedDownIsNotToldLater) {
    count(kStart, 500);
    count(kStart + 1s, 501);
    count(kStart + 2s, 500);
    EXPECT_EQ(wait_until(kStart + kCountInterval), Told{});
    EXPECT_EQ(count(kStart + 3s + kCountInterval, 501), (Told{{"app/x", 501}}));
}

TEST_F(CountTellerTest, HoldsNothingOfQuietChannels) {
    count(kStart, 1);
    EXPECT_EQ(teller.next_deadline(), kStart + kCountInterval);
    wait_until(kStart + kCountInterval);
    EXPECT_EQ(teller.next_deadline(), std::nullopt);
}

}  // namespace
}  // namespace tulle::node::count_teller_test
