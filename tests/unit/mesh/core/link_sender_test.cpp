#include "mesh/core/session/link_sender.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace tulle::mesh::link_sender_test {
namespace {

constexpr Instant kStart{10s};

class LinkSenderTest : public testing::Test {
protected:
    void append(const std::string& channel, std::size_t bytes = 10) {
        ring_.append(kStart, {.n = {},
                              .channels = {channel},
                              .body = share(EventBody({}, std::string(bytes, 'x'))),
                              .exclude_socket = {}});
    }

    /// As the node does for each level link.
    void note_due(LinkSender& sender) {
        const RecordNo before = std::exchange(noted_, ring_.last());
        if (before.next() < ring_.first_whole()) {
            sender.fall_behind(before);
            return;
        }
        for (RecordNo n = before.next(); n <= noted_; n = n.next()) {
            if (is_due(*ring_.at(n))) {
                sender.note_due(before, ring_.at(n));
            }
        }
    }

    std::vector<FramePtr> flush(LinkSender& sender, Instant now = kStart) {
        note_due(sender);
        std::vector<FramePtr> frames;
        sender.flush(now,
                     {.ring = ring_,
                      .interested = [this](const std::string& channel) { return is_wanted(channel); },
                      .due =
                          [this](const Record& record) {
                              ++looked_at_;
                              return is_due(record);
                          },
                      .keeps = [](const Record& record) { return !record.keepers.empty(); },
                      .retained =
                          [](const std::string&) {
                              return RetainedPart{.stamp = {7, OriginId{1}}, .body = share(EventBody("e", "last"))};
                          },
                      .members = [this](const std::string&) { return members_; },
                      .version = InterestVersion{3}},
                     frames);
        return frames;
    }

    bool is_wanted(const std::string& channel) const {
        return channel == "news" || is_presence_key(channel) || channel == wanted_later_;
    }
    bool is_due(const Record& record) const {
        return !record.keepers.empty() ||
               std::any_of(record.channels.begin(), record.channels.end(),
                           [this](const std::string& channel) { return is_wanted(channel); });
    }

    void join(const std::string& user) {
        members_.push_back({user, share("{}")});
        ring_.append(kStart, {.n = {},
                              .channels = {presence_key("room")},
                              .body = nullptr,
                              .exclude_socket = {},
                              .user = user,
                              .left = false,
                              .info = share("{}")});
    }

    /// A record that `copies` nodes must hold.
    void append_with_copies(const std::string& channel, std::uint8_t copies, std::vector<OriginId> keepers) {
        Record record{.n = {}, .channels = {channel}, .body = share(EventBody({}, "x")), .exclude_socket = {}};
        record.copies = copies;
        record.keepers = std::move(keepers);
        ring_.append(kStart, std::move(record));
    }

    Limits limits_;
    RecordRing ring_{limits_};
    /// The records with copies that receipts were about.
    std::vector<RecordPtr> held_;
    RecordNo noted_;
    std::size_t looked_at_ = 0;
    std::string wanted_later_;
    std::vector<PresenceMember> members_;
};

TEST_F(LinkSenderTest, SendsNothingBeforeItIsOpened) {
    append("news");
    LinkSender sender(Timing{}, limits_);
    EXPECT_TRUE(flush(sender).empty());
}

/// The changes of a key are due as records only once the whole snapshot has come. A change between an earlier list and
/// that moment would be in neither.
TEST_F(LinkSenderTest, AnswersAKeyOfASnapshotOnceTheSnapshotIsComplete) {
    LinkSender sender(Timing{}, limits_);
    sender.open(RecordNo{0});
    join("before");
    flush(sender);
    sender.begin_snapshot();
    sender.owe_with_snapshot(presence_key("room"));
    sender.owe_with_snapshot(retained_key("last"));
    EXPECT_FALSE(sender.has_work());
    join("between");
    for (const FramePtr& frame : flush(sender)) {
        EXPECT_TRUE(frame->presence.empty() && frame->retained.empty());
    }
    // Of the version that is held already, as after a mismatch of digests.
    sender.end_snapshot(InterestVersion{3});
    EXPECT_TRUE(sender.has_work());
    const auto frames = flush(sender);
    ASSERT_EQ(frames.size(), 1u);
    ASSERT_EQ(frames[0]->presence.size(), 1u);
    EXPECT_EQ(frames[0]->presence[0]->members.size(), 2u);
    EXPECT_EQ(frames[0]->presence[0]->at, RecordNo{2});
    EXPECT_EQ(frames[0]->presence[0]->version, InterestVersion{3});
    ASSERT_EQ(frames[0]->retained.size(), 1u);
    EXPECT_EQ(frames[0]->retained[0]->version, InterestVersion{3});
    EXPECT_FALSE(sender.has_work());
}

TEST_F(LinkSenderTest, ForgetsTheKeysOfASnapshotThatIsGivenUp) {
    LinkSender sender(Timing{}, limits_);
    sender.open(RecordNo{0});
    sender.begin_snapshot();
    sender.owe_with_snapshot(presence_key("gone"));
    sender.owe(presence_key("room"), InterestVersion{3});
    auto frames = flush(sender);
    ASSERT_EQ(frames.size(), 1u);
    ASSERT_EQ(frames[0]->presence.size(), 1u);
    EXPECT_EQ(frames[0]->presence[0]->channel, "room") << "a snapshot under way holds up no other answer";
    sender.begin_snapshot();
    sender.owe_with_snapshot(presence_key("wanted"));
    sender.end_snapshot(InterestVersion{12});
    frames = flush(sender);
    ASSERT_EQ(frames.size(), 1u);
    ASSERT_EQ(frames[0]->presence.size(), 1u);
    EXPECT_EQ(frames[0]->presence[0]->channel, "wanted");
}

TEST_F(LinkSenderTest, AnswersTheNewestInterestThoughTheSameIsOwedForAnOlderOneLater) {
    LinkSender sender(Timing{}, limits_);
    sender.owe(retained_key("last"), InterestVersion{25});
    sender.owe(retained_key("last"), InterestVersion{0});
    sender.owe(presence_key("room"), InterestVersion{3});
    sender.owe(presence_key("room"), InterestVersion{4});
    sender.open(RecordNo{0});
    const auto frames = flush(sender);
    ASSERT_EQ(frames.size(), 1u);
    ASSERT_EQ(frames[0]->retained.size(), 1u);
    EXPECT_EQ(frames[0]->retained[0]->version, InterestVersion{25});
    ASSERT_EQ(frames[0]->presence.size(), 1u);
    EXPECT_EQ(frames[0]->presence[0]->version, InterestVersion{4});
}

TEST_F(LinkSenderTest, PacksWhatATurnBroughtIntoOneFrameAndSkipsTheRest) {
    append("news");
    append("other");
    append("news");
    append("other");
    LinkSender sender(Timing{}, limits_);
    sender.open(RecordNo{0});
    const auto frames = flush(sender);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0]->no, FrameNo{1});
    EXPECT_EQ(frames[0]->upto, RecordNo{4});
    ASSERT_EQ(frames[0]->records.size(), 2u);
    EXPECT_EQ(frames[0]->records[1]->n, RecordNo{3});
    EXPECT_TRUE(flush(sender).empty());
}

TEST_F(LinkSenderTest, MovesOnWithoutAFrameWhenNothingIsOfInterest) {
    append("other");
    LinkSender sender(Timing{}, limits_);
    sender.open(RecordNo{0});
    EXPECT_TRUE(flush(sender).empty());
    EXPECT_EQ(sender.upto(ring_.last()), RecordNo{1});
    EXPECT_EQ(sender.last_sent(), FrameNo{0});
}

TEST_F(LinkSenderTest, StopsAtItsCreditAndGoesOnAfterAReceipt) {
    limits_.credit_bytes = 500;
    limits_.frame_bytes = 300;
    for (int i = 0; i < 6; ++i) {
        append("news", 100);
    }
    LinkSender sender(Timing{}, limits_);
    sender.open(RecordNo{0});
    const std::size_t sent = flush(sender).size();
    EXPECT_LT(sender.upto(ring_.last()), RecordNo{6});
    EXPECT_TRUE(flush(sender).empty());
    sender.on_receipt(FrameNo{sent}, held_);
    EXPECT_EQ(sender.unreceipted_bytes(), 0u);
    flush(sender);
    EXPECT_EQ(sender.upto(ring_.last()), RecordNo{6});
}

TEST_F(LinkSenderTest, AsksForAReceiptOfFramesWithCopiesAndNamesTheRecordsWhenItHasCome) {
    LinkSender sender(Timing{}, limits_);
    sender.open(RecordNo{0});
    append("news");
    EXPECT_FALSE(flush(sender).at(0)->receipt_now);
    append_with_copies("other", 2, {OriginId{2}});
    append("news");
    append_with_copies("other", 2, {});
    append_with_copies("news", 3, {OriginId{2}});
    const auto frames = flush(sender);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_TRUE(frames[0]->receipt_now);
    sender.on_receipt(FrameNo{1}, held_);
    EXPECT_TRUE(held_.empty());
    sender.on_receipt(FrameNo{2}, held_);
    ASSERT_EQ(held_.size(), 2u) << "one record was not due";
    EXPECT_EQ(held_[0]->n, RecordNo{2});
    EXPECT_EQ(held_[1]->n, RecordNo{5});
    sender.on_receipt(FrameNo{2}, held_);
    EXPECT_EQ(held_.size(), 2u) << "the same receipt again";
}

TEST_F(LinkSenderTest, AReaderThatIsNoKeeperIsNotAskedForAReceiptButItsReceiptCounts) {
    LinkSender sender(Timing{}, limits_);
    sender.open(RecordNo{0});
    append_with_copies("news", 2, {});
    EXPECT_FALSE(flush(sender).at(0)->receipt_now);
    sender.on_receipt(FrameNo{1}, held_);
    EXPECT_EQ(held_.size(), 1u);
}

TEST_F(LinkSenderTest, AsksForAReceiptWhenItLooksAtEachRecord) {
    LinkSender sender(Timing{}, limits_);
    append_with_copies("news", 2, {OriginId{2}});
    note_due(sender);
    sender.open(RecordNo{0});
    const auto frames = flush(sender);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_TRUE(frames[0]->receipt_now);
}

TEST_F(LinkSenderTest, RepeatsTheVeryFrameOncePerPause) {
    append("news");
    LinkSender sender(Timing{}, limits_);
    sender.open(RecordNo{0});
    const auto frames = flush(sender);
    std::vector<FramePtr> again;
    sender.on_nack(kStart + 5ms, {{FrameNo{1}, FrameNo{9}}}, again);
    EXPECT_EQ(again, frames);
    sender.on_nack(kStart + 6ms, {{FrameNo{1}, FrameNo{1}}}, again);
    EXPECT_EQ(again.size(), 1u);
    sender.on_nack(kStart + 30ms, {{FrameNo{1}, FrameNo{1}}}, again);
    EXPECT_EQ(again.size(), 2u);
    sender.on_receipt(FrameNo{1}, held_);
    sender.on_nack(kStart + 90ms, {{FrameNo{1}, FrameNo{1}}}, again);
    EXPECT_EQ(again.size(), 2u);
}

TEST_F(LinkSenderTest, SaysWhatTheRingHasDropped) {
    Limits small;
    small.ring_bytes = 1;
    small.ring_stubs = 3;
    ring_ = RecordRing(small);
    for (int i = 0; i < 6; ++i) {
        append(i % 2 == 0 ? "news" : "other");  // 1 news … 6 other; 1 and 2 forgotten, 3, 4, 5 stubs, 6 whole
    }
    LinkSender sender(Timing{}, limits_);
    sender.open(RecordNo{0});
    const auto frames = flush(sender);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0]->gone, (Gone{{{"news", 2}}, 2}));
    EXPECT_EQ(sender.gone(), 4u);
    EXPECT_EQ(frames[0]->upto, RecordNo{6});
}

TEST_F(LinkSenderTest, ReportsAsGoneWhatWouldComeBehindWhatOthersHaveFilledIn) {
    for (int i = 0; i < 6; ++i) {
        append("news");
    }
    LinkSender sender(Timing{}, limits_);
    sender.open(RecordNo{1}, {RecordNo{2}, RecordNo{4}});
    const auto frames = flush(sender);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0]->gone, (Gone{{{"news", 1}}, 0})) << "number 3";
    ASSERT_EQ(frames[0]->records.size(), 2u);
    EXPECT_EQ(frames[0]->records[0]->n, RecordNo{5});
}

TEST_F(LinkSenderTest, OwesATailAfterABurstAndAnotherWhenIdle) {
    append("news");
    LinkSender sender(Timing{}, limits_);
    sender.open(RecordNo{0});
    flush(sender);
    EXPECT_EQ(sender.next_deadline(), kStart + 20ms);
    EXPECT_FALSE(sender.on_deadline(kStart + 19ms));
    EXPECT_TRUE(sender.on_deadline(kStart + 20ms));
    EXPECT_EQ(sender.next_deadline(), kStart + 20ms + 1s);
}

TEST_F(LinkSenderTest, IgnoresAReceiptForWhatItNeverSent) {
    append("news");
    LinkSender sender(Timing{}, limits_);
    sender.open(RecordNo{0});
    flush(sender);
    sender.on_receipt(FrameNo{1'000'000'000}, held_);
    EXPECT_EQ(sender.receipted(), FrameNo{0});
}

TEST_F(LinkSenderTest, ListsTheMembersAheadOfTheRecordsAndSaysHowFarTheListGoes) {
    append("news");
    join("u");
    LinkSender sender(Timing{}, limits_);
    sender.owe(presence_key("room"), InterestVersion{3});
    sender.open(RecordNo{0});
    const auto frames = flush(sender);
    ASSERT_EQ(frames.size(), 1u);
    ASSERT_EQ(frames[0]->presence.size(), 1u);
    const PresencePart& part = *frames[0]->presence[0];
    EXPECT_EQ(part.at, RecordNo{2});
    EXPECT_EQ(part.version, InterestVersion{3});
    EXPECT_TRUE(part.first && part.last);
    EXPECT_EQ(part.members.size(), 1u);
    EXPECT_EQ(frames[0]->records.size(), 2u);
    EXPECT_TRUE(flush(sender).empty());
}

TEST_F(LinkSenderTest, LetsNothingComeBetweenThePiecesOfAList) {
    limits_.frame_bytes = 200;
    for (int i = 0; i < 10; ++i) {
        join("user" + std::to_string(i));
    }
    append("news");
    LinkSender sender(Timing{}, limits_);
    sender.owe(presence_key("room"), InterestVersion{3});
    sender.open(RecordNo{10});
    const auto frames = flush(sender);
    ASSERT_GE(frames.size(), 3u);
    std::size_t members = 0;
    for (std::size_t i = 0; i < frames.size(); ++i) {
        for (const PresencePartPtr& part : frames[i]->presence) {
            members += part->members.size();
            EXPECT_EQ(part->first, i == 0);
        }
        EXPECT_TRUE(frames[i]->records.empty() || members == 10);
    }
    EXPECT_EQ(members, 10u);
    EXPECT_EQ(frames.back()->records.size(), 1u);
}

TEST_F(LinkSenderTest, ListsAnewWhenTheRingHasLostChangesOfPresence) {
    limits_.ring_bytes = 150;
    RecordRing small(limits_);
    ring_ = small;
    join("u");
    append("news");
    append("news");
    LinkSender sender(Timing{}, limits_);
    sender.open(RecordNo{0});
    const auto frames = flush(sender);
    ASSERT_FALSE(frames.empty());
    ASSERT_EQ(frames[0]->presence.size(), 1u);
    EXPECT_EQ(frames[0]->presence[0]->members.size(), 1u);
    EXPECT_EQ(frames[0]->gone.channels, (std::vector<std::pair<std::string, std::uint64_t>>{{"news", 1}}));
    EXPECT_FALSE(sender.take_unknown_lost());
}

TEST_F(LinkSenderTest, JumpsOverWhatIsNotDueWithoutLookingAtIt) {
    LinkSender sender(Timing{}, limits_);
    sender.open(RecordNo{0});
    EXPECT_TRUE(flush(sender).empty());
    ASSERT_TRUE(sender.is_level());
    for (int i = 0; i < 100; ++i) {
        append("other");
    }
    note_due(sender);
    EXPECT_FALSE(sender.has_work());
    EXPECT_EQ(sender.upto(ring_.last()), RecordNo{100});
    append("news");
    append("other");
    const auto frames = flush(sender);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0]->upto, RecordNo{102});
    ASSERT_EQ(frames[0]->records.size(), 1u);
    EXPECT_EQ(frames[0]->records[0]->n, RecordNo{101});
    EXPECT_EQ(looked_at_, 0u);
    EXPECT_TRUE(sender.is_level());
}

TEST_F(LinkSenderTest, CutsTheSameFramesOfWhatItWasToldAsOfWhatItLooksAt) {
    limits_.frame_bytes = 600;
    limits_.frame_records = 3;
    LinkSender told(Timing{}, limits_);
    told.open(RecordNo{0});
    flush(told);
    for (std::size_t i = 0; i < 40; ++i) {
        append(i % 3 == 0 ? "other" : "news", 20 + 97 * i % 400);
    }
    const auto frames = flush(told);
    EXPECT_EQ(looked_at_, 0u);
    LinkSender looking(Timing{}, limits_);
    looking.open(RecordNo{0});
    const auto same = flush(looking);
    EXPECT_GT(looked_at_, 0u);
    ASSERT_EQ(frames.size(), same.size());
    for (std::size_t i = 0; i < frames.size(); ++i) {
        EXPECT_EQ(frames[i]->upto, same[i]->upto) << i;
        EXPECT_EQ(frames[i]->records, same[i]->records) << i;
    }
}

TEST_F(LinkSenderTest, LooksWithTheInterestOfThenAtWhatCameWhileItHadNoCredit) {
    limits_.credit_bytes = 300;
    limits_.frame_bytes = 300;
    LinkSender sender(Timing{}, limits_);
    sender.open(RecordNo{0});
    flush(sender);
    append("news", 400);
    append("news", 10);  // told of it, and no credit left for it
    EXPECT_EQ(flush(sender).size(), 1u);
    append("late", 10);
    EXPECT_TRUE(flush(sender).empty());
    EXPECT_FALSE(sender.is_level());
    EXPECT_EQ(sender.upto(ring_.last()), RecordNo{1});
    wanted_later_ = "late";
    sender.on_receipt(FrameNo{1}, held_);
    const auto frames = flush(sender);
    ASSERT_EQ(frames.size(), 1u);
    ASSERT_EQ(frames[0]->records.size(), 2u);
    EXPECT_EQ(frames[0]->records[0]->n, RecordNo{2});
    EXPECT_EQ(frames[0]->records[1]->n, RecordNo{3});
    EXPECT_TRUE(sender.is_level());
}

TEST_F(LinkSenderTest, FallsBehindWhenTheRingHasDroppedWhatItWasNotToldOf) {
    LinkSender sender(Timing{}, limits_);
    sender.open(RecordNo{0});
    flush(sender);
    limits_.ring_bytes = 150;
    RecordRing small(limits_);
    ring_ = small;
    append("news");
    append("news");
    append("news");
    const auto frames = flush(sender);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0]->gone.channels, (std::vector<std::pair<std::string, std::uint64_t>>{{"news", 2}}));
    EXPECT_EQ(frames[0]->records.size(), 1u);
    EXPECT_EQ(frames[0]->upto, RecordNo{3});
}

TEST_F(LinkSenderTest, LooksAtABoundedNumberOfFramesForOneRequest) {
    LinkSender sender(Timing{}, Limits{});
    sender.open(RecordNo{});
    for (int i = 0; i < 1200; ++i) {
        append("news");
        static_cast<void>(flush(sender));
    }
    ASSERT_EQ(sender.last_sent(), FrameNo{1200});
    std::vector<FramePtr> again;
    for (std::uint64_t first = 1; first < 1100; first += 50) {
        sender.on_nack(kStart + 5ms, {{FrameNo{first}, FrameNo{first + 49}}}, again);
    }
    ASSERT_EQ(again.size(), 1100u);
    again.clear();
    sender.on_nack(kStart + 6ms, {{FrameNo{1}, FrameNo{1200}}}, again);
    EXPECT_TRUE(again.empty()) << "all that it has looked at was just sent";
    sender.on_nack(kStart + 6ms, {{FrameNo{1101}, FrameNo{1200}}}, again);
    EXPECT_EQ(again.size(), Limits{}.repair_frames);
}

}  // namespace
}  // namespace tulle::mesh::link_sender_test
