#include "mesh/core/session/link_receiver.hpp"

#include <gtest/gtest.h>

namespace tulle::mesh::link_receiver_test {
namespace {

constexpr Instant kStart{10s};

RecordPtr record(std::uint64_t n) {
    return std::make_shared<const Record>(Record{RecordNo{n}, {"news"}, share(EventBody("e", "x")), {}});
}

FramePtr frame(std::uint64_t no, std::vector<RecordPtr> records, std::size_t bytes = 100) {
    const RecordNo upto = records.back()->n;
    return std::make_shared<const Frame>(Frame{FrameNo{no}, upto, {}, std::move(records), bytes});
}

class LinkReceiverTest : public testing::Test {
protected:
    Timing timing_;
    Limits limits_;
    LinkReceiver receiver_{timing_, limits_, RecordNo{0}};
    LinkEffects out_;
    std::vector<RecordPtr> r_ = {nullptr, record(1), record(2), record(3), record(4)};
};

TEST_F(LinkReceiverTest, DeliversInOrder) {
    receiver_.on_frame(kStart, frame(1, {r_[1], r_[2]}), out_);
    EXPECT_EQ(out_, (LinkEffects{DeliverRecord{r_[1]}, DeliverRecord{r_[2]}}));
    EXPECT_EQ(receiver_.received(), FrameNo{1});
    EXPECT_EQ(receiver_.delivered(), RecordNo{2});
    EXPECT_EQ(receiver_.next_deadline(), std::nullopt);
}

TEST_F(LinkReceiverTest, HoldsBackBehindAHoleAndAsksAfterTwoMilliseconds) {
    receiver_.on_frame(kStart, frame(2, {r_[2]}), out_);
    receiver_.on_frame(kStart, frame(4, {r_[4]}), out_);
    EXPECT_TRUE(out_.empty());
    EXPECT_EQ(receiver_.next_deadline(), kStart + 2ms);
    receiver_.on_deadline(kStart + 2ms, out_);
    EXPECT_EQ(out_, (LinkEffects{SendNack{{{FrameNo{1}, FrameNo{1}}, {FrameNo{3}, FrameNo{3}}}}}));
    EXPECT_EQ(receiver_.holes(), 2u);
}

TEST_F(LinkReceiverTest, AsksAgainWithBackOffUntilTheHoleIsFilled) {
    receiver_.on_frame(kStart, frame(2, {r_[2]}), out_);
    receiver_.on_deadline(kStart + 2ms, out_);
    EXPECT_EQ(receiver_.next_deadline(), kStart + 22ms);
    receiver_.on_deadline(kStart + 22ms, out_);
    EXPECT_EQ(receiver_.next_deadline(), kStart + 62ms);
    out_.clear();
    receiver_.on_frame(kStart + 30ms, frame(1, {r_[1]}), out_);
    EXPECT_EQ(out_, (LinkEffects{DeliverRecord{r_[1], {true, {}}}, DeliverRecord{r_[2]}}));
    EXPECT_EQ(receiver_.repaired(), 1u);
    EXPECT_EQ(receiver_.next_deadline(), std::nullopt);
}

TEST_F(LinkReceiverTest, DropsWhatItHasAlready) {
    receiver_.on_frame(kStart, frame(1, {r_[1]}), out_);
    receiver_.on_frame(kStart, frame(1, {r_[1]}), out_);
    receiver_.on_frame(kStart, frame(2, {r_[1], r_[2]}), out_);
    EXPECT_EQ(out_, (LinkEffects{DeliverRecord{r_[1]}, DeliverRecord{r_[2]}}));
    EXPECT_EQ(receiver_.duplicates(), 2u);
}

TEST_F(LinkReceiverTest, FindsALostLastFrameByATail) {
    receiver_.on_frame(kStart, frame(1, {r_[1]}), out_);
    out_.clear();
    receiver_.on_claim(kStart + 20ms, FrameNo{2}, RecordNo{2}, true);
    receiver_.on_deadline(kStart + 22ms, out_);
    EXPECT_EQ(out_, (LinkEffects{SendNack{{{FrameNo{2}, FrameNo{2}}}}}));
    EXPECT_EQ(receiver_.delivered(), RecordNo{1});
}

TEST_F(LinkReceiverTest, AsksAtOnceWhenThereIsANewWayToTheSender) {
    receiver_.hurry(kStart);
    EXPECT_EQ(receiver_.next_deadline(), std::nullopt);
    receiver_.on_frame(kStart, frame(2, {r_[2]}), out_);
    Instant now = kStart;
    for (int i = 0; i < 5; ++i) {  // nobody hears it
        now = *receiver_.next_deadline();
        receiver_.on_deadline(now, out_);
    }
    EXPECT_GT(*receiver_.next_deadline(), now + 200ms);
    out_.clear();
    receiver_.hurry(now + 1ms);
    receiver_.on_deadline(now + 1ms, out_);
    EXPECT_EQ(out_, (LinkEffects{SendNack{{{FrameNo{1}, FrameNo{1}}}}}));
    EXPECT_EQ(receiver_.next_deadline(), now + 21ms);
}

TEST_F(LinkReceiverTest, BelievesAHeartbeatOnlyWhenTheDataPathIsQuiet) {
    receiver_.on_claim(kStart, FrameNo{3}, RecordNo{3}, false);
    EXPECT_EQ(receiver_.next_deadline(), kStart + 20ms);
    receiver_.on_frame(kStart + 10ms, frame(1, {r_[1]}), out_);
    receiver_.on_frame(kStart + 15ms, frame(2, {r_[2]}), out_);
    out_.clear();
    EXPECT_EQ(receiver_.next_deadline(), kStart + 35ms);
    receiver_.on_deadline(kStart + 35ms, out_);
    EXPECT_EQ(out_, (LinkEffects{SendNack{{{FrameNo{3}, FrameNo{3}}}}}));
}

TEST_F(LinkReceiverTest, LearnsFromAClaimThatRecordsWereOfNoInterest) {
    receiver_.on_claim(kStart, FrameNo{0}, RecordNo{17}, false);
    EXPECT_EQ(receiver_.delivered(), RecordNo{17});
    EXPECT_EQ(receiver_.next_deadline(), std::nullopt);
}

TEST_F(LinkReceiverTest, HoldsNoMoreThanItsLimit) {
    limits_.hold_bytes = 900;  // two frames with their places
    LinkReceiver small(timing_, limits_, RecordNo{0});
    for (std::uint64_t no = 2; no <= 5; ++no) {
        small.on_frame(kStart, frame(no, {record(no)}), out_);
    }
    EXPECT_LE(small.held_bytes(), 900u);
    small.on_deadline(kStart + 2ms, out_);
    EXPECT_EQ(out_, (LinkEffects{SendNack{{{FrameNo{1}, FrameNo{1}}, {FrameNo{4}, FrameNo{5}}}}}));
}

TEST_F(LinkReceiverTest, GivesCreditBackWhenMuchHasCome) {
    receiver_.on_frame(kStart, frame(1, {r_[1]}, limits_.receipt_bytes), out_);
    EXPECT_EQ(out_, (LinkEffects{DeliverRecord{r_[1]}, SendReceipt{FrameNo{1}}}));
}

TEST_F(LinkReceiverTest, SendsOneReceiptAtTheEndOfATurnForAllFramesThatAskForOne) {
    const auto asking = [this](std::uint64_t no) {
        Frame made{FrameNo{no}, r_[no]->n, {}, {r_[no]}, 100};
        made.receipt_now = true;
        return std::make_shared<const Frame>(std::move(made));
    };
    receiver_.on_frame(kStart, asking(1), out_);
    receiver_.on_frame(kStart, frame(2, {r_[2]}), out_);
    receiver_.on_frame(kStart, asking(4), out_);
    EXPECT_EQ(out_, (LinkEffects{DeliverRecord{r_[1]}, DeliverRecord{r_[2]}}));
    out_.clear();
    receiver_.on_deadline(kStart, out_);
    EXPECT_EQ(out_, (LinkEffects{SendReceipt{FrameNo{2}}})) << "the frame beyond the hole is not delivered yet";
    out_.clear();
    receiver_.on_deadline(kStart, out_);
    EXPECT_TRUE(out_.empty());
    receiver_.on_frame(kStart, frame(3, {r_[3]}), out_);
    out_.clear();
    receiver_.on_deadline(kStart, out_);
    EXPECT_EQ(out_, (LinkEffects{SendReceipt{FrameNo{4}}}));
}

TEST_F(LinkReceiverTest, ReportsWhatIsGoneBeforeWhatFollows) {
    const Gone gone{{{"news", 3}}, 0};
    receiver_.on_frame(kStart, std::make_shared<const Frame>(Frame{FrameNo{1}, RecordNo{4}, gone, {r_[4]}, 10}), out_);
    EXPECT_EQ(out_, (LinkEffects{ReportGone{gone, r_[4]->n}, DeliverRecord{r_[4]}}));
}

TEST_F(LinkReceiverTest, IgnoresFrameNumbersThatNoCreditAllows) {
    receiver_.on_frame(kStart, frame(1'000'000'000, {r_[1]}), out_);
    receiver_.on_claim(kStart, FrameNo{~0ULL}, RecordNo{1}, true);
    EXPECT_TRUE(out_.empty());
    EXPECT_EQ(receiver_.holes(), 0u);
    EXPECT_EQ(receiver_.next_deadline(), std::nullopt);
}

TEST_F(LinkReceiverTest, KnowsHowManyRecordsItsHolesMayHold) {
    EXPECT_EQ(receiver_.lost(), 0u);
    receiver_.on_frame(kStart, frame(1, {r_[1]}), out_);
    EXPECT_EQ(receiver_.lost(), 0u);
    receiver_.on_frame(kStart, frame(3, {r_[4]}), out_);  // 2 and 3 are in the frame that is missing
    EXPECT_EQ(receiver_.lost(), 2u);
    receiver_.on_frame(kStart, frame(2, {r_[2], r_[3]}), out_);
    EXPECT_EQ(receiver_.lost(), 0u);
    receiver_.on_claim(kStart, FrameNo{4}, RecordNo{4}, false);  // the last one, though its records are not told
    EXPECT_EQ(receiver_.lost(), 1u);
}

TEST_F(LinkReceiverTest, WhatIsReportedAsGoneTakesMemoryToo) {
    for (std::uint64_t no = 2; no < 150; ++no) {
        Gone gone;
        for (int i = 0; i < 3000; ++i) {
            gone.channels.emplace_back("app/" + std::to_string(i) + std::string(20, 'x'), 1);
        }
        receiver_.on_frame(
            kStart, std::make_shared<const Frame>(Frame{FrameNo{no}, RecordNo{1}, std::move(gone), {}, 0}), out_);
    }
    EXPECT_LE(receiver_.held_bytes(), limits_.hold_bytes);
    EXPECT_GT(receiver_.held_bytes(), limits_.hold_bytes / 2);
}

TEST_F(LinkReceiverTest, AFrameOfNothingTakesMemoryToo) {
    for (std::uint64_t no = 2; no < 200'000; ++no) {
        receiver_.on_frame(kStart, std::make_shared<const Frame>(Frame{FrameNo{no}, RecordNo{1}, {}, {}, 0}), out_);
    }
    EXPECT_LE(receiver_.held_bytes(), limits_.hold_bytes);
    EXPECT_GT(receiver_.held_bytes(), limits_.hold_bytes / 2);
}

}  // namespace
}  // namespace tulle::mesh::link_receiver_test
