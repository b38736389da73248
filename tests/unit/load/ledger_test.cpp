#include <string>

#include <gtest/gtest.h>

#include "tools/load/ledger.hpp"
#include "tools/load/text.hpp"

namespace tulle::load::ledger_test {
namespace {

constexpr Instant kSent(1'000s);

class LedgerTest : public ::testing::TestWithParam<std::size_t> {
protected:
    LedgerTest() : ledger_(plan_), first_(ledger_.add_receiver(0, 2)), second_(ledger_.add_receiver(2, 1)) { begin(); }

    void begin() { ledger_.begin(GetParam(), GetParam() + 2); }

    [[nodiscard]] std::string message(std::uint32_t stream, std::uint32_t number, std::size_t bytes,
                                      Instant intended = kSent) const {
        std::string text = blank_text(bytes);
        write_stamp(text.data(), text.size(),
                    {.run_and_stream = run_and_stream(ledger_.run(), stream), .number = number}, intended);
        return R"({"event":"e","data":")" + text + R"("})";
    }

    void take(const Receiver& receiver, std::uint32_t stream, std::uint32_t number, Instant now = kSent + 5ms) {
        EXPECT_TRUE(ledger_.take(receiver, message(stream, number, GetParam()), now));
    }

    /// Not inlined: with a literal the compiler would take the branch that its size forbids for an error.
    [[gnu::noinline]] bool take_raw(const std::string& bytes) { return ledger_.take(first_, bytes, kSent); }

    Plan plan_{.subscribers = 2, .publishers = 3, .channels = 3, .subscriptions_each = 1, .published_channels = 3};
    Ledger ledger_;
    Receiver first_;   // of channels 0 and 1
    Receiver second_;  // of channel 2
};

INSTANTIATE_TEST_SUITE_P(Sizes, LedgerTest, ::testing::Values(16, 31, 32, 64, 5'000));

TEST_P(LedgerTest, CountsWhatComesInOrder) {
    for (std::uint32_t number = 0; number < 700; ++number) {
        take(first_, 0, number);
        take(first_, 1, number);
        take(second_, 2, number);
    }
    EXPECT_EQ(ledger_.tally().received, 2'100U);
    EXPECT_TRUE(ledger_.tally().clean());
    EXPECT_EQ(ledger_.received_of(1), 700U);
    EXPECT_EQ(ledger_.latency().count(), GetParam() >= kTimedStampBytes ? 2'100U : 0U);
}

TEST_P(LedgerTest, TellsDuplicatesFromWhatWasOvertaken) {
    take(first_, 0, 0);
    take(first_, 0, 0);
    EXPECT_EQ(ledger_.tally().duplicates, 1U);
    take(first_, 0, 2);
    take(first_, 0, 1);
    EXPECT_EQ(ledger_.tally().out_of_order, 1U);
    take(first_, 0, 1);
    EXPECT_EQ(ledger_.tally().duplicates, 2U);
    EXPECT_EQ(ledger_.tally().received, 2U);
}

TEST_P(LedgerTest, AReceiverHasNothingToDoWithTheChannelsOfOthers) {
    take(second_, 0, 0);
    take(first_, 2, 0);
    EXPECT_EQ(ledger_.tally().malformed, 2U);
    EXPECT_EQ(ledger_.tally().received, 0U);
}

TEST_P(LedgerTest, AnotherSizeIsMalformed) {
    take(first_, 0, 0);
    EXPECT_TRUE(ledger_.take(first_, message(0, 1, GetParam() + 1), kSent));
    if (GetParam() > kStampBytes) {
        EXPECT_TRUE(ledger_.take(first_, message(0, 1, GetParam() - 1), kSent));
        EXPECT_EQ(ledger_.tally().malformed, 2U);
    }
    EXPECT_TRUE(take_raw("~"));
    EXPECT_EQ(ledger_.tally().received, 1U);
    EXPECT_FALSE(ledger_.tally().clean());
}

TEST_P(LedgerTest, WhatHoldsNoTextOfOursIsLeftToOthers) {
    EXPECT_FALSE(take_raw(R"({"event":"pusher:ping","data":"{}"})"));
    EXPECT_FALSE(take_raw(""));
    EXPECT_FALSE(take_raw(std::string(9'000, 'y')));
}

TEST_P(LedgerTest, FindsTheTextWhereverAServerPutsIt) {
    std::string text = blank_text(GetParam());
    for (std::uint32_t number = 0; number < 3; ++number) {
        write_stamp(text.data(), text.size(), {.run_and_stream = run_and_stream(ledger_.run(), 0), .number = number},
                    kSent);
        EXPECT_TRUE(ledger_.take(first_, R"({"data":")" + text + R"(","channel":"private-bench-0"})", kSent));
    }
    EXPECT_EQ(ledger_.tally().received, 3U);
    EXPECT_TRUE(ledger_.tally().clean());
}

TEST_P(LedgerTest, WhatIsLateFromAnEarlierRunIsStale) {
    const std::string late = message(0, 0, GetParam());
    EXPECT_TRUE(ledger_.take(first_, late, kSent));
    begin();
    EXPECT_TRUE(ledger_.take(first_, late, kSent));
    EXPECT_EQ(ledger_.tally().stale, 1U);
    EXPECT_EQ(ledger_.tally().received, 0U);
    take(first_, 0, 0);
    EXPECT_EQ(ledger_.tally().received, 1U);
    EXPECT_TRUE(ledger_.tally().clean());
}

TEST(LoadLedger, MeasuresFromTheIntendedTimeToTheReceipt) {
    const Plan plan{.subscribers = 1};
    Ledger ledger(plan);
    const Receiver receiver = ledger.add_receiver(0, 1);
    ledger.begin(64, 64);
    for (std::uint32_t number = 0; number < 2; ++number) {
        std::string text = blank_text(64);
        write_stamp(text.data(), 64, {.run_and_stream = run_and_stream(ledger.run(), 0), .number = number}, kSent);
        EXPECT_TRUE(ledger.take(receiver, text, kSent + (number == 0 ? 3ms : 8ms)));
    }
    EXPECT_NEAR(static_cast<double>(ledger.latency().quantile(0.5).count()), 3e6, 3e6 / 1'024);
    EXPECT_NEAR(static_cast<double>(ledger.latency().max().count()), 8e6, 8e6 / 1'024);
}

TEST(LoadLedger, KeepsStreamsOfOneChannelApart) {
    const Plan plan{.subscribers = 1, .publishers = 3};
    Ledger ledger(plan);
    const Receiver receiver = ledger.add_receiver(0, 1);
    ledger.begin(64, 64);
    for (const std::uint32_t stream : {2U, 0U, 1U}) {
        std::string text = blank_text(64);
        write_stamp(text.data(), 64, {.run_and_stream = run_and_stream(ledger.run(), stream), .number = 0}, kSent);
        EXPECT_TRUE(ledger.take(receiver, text, kSent));
    }
    EXPECT_EQ(ledger.tally().received, 3U);
    EXPECT_TRUE(ledger.tally().clean());
}

}  // namespace
}  // namespace tulle::load::ledger_test
