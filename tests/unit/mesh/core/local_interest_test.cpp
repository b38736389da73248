#include "mesh/core/interest/local_interest.hpp"

#include <gtest/gtest.h>

#include "mesh/core/interest/interest_feed.hpp"
#include "mesh/core/interest/interest_table.hpp"

namespace tulle::mesh::local_interest_test {
namespace {

constexpr ShardIndex kShard{0};
constexpr ShardIndex kOther{1};

std::string name(std::uint64_t i) {
    return "app/c" + std::to_string(i);
}

class LocalInterestTest : public testing::Test {
protected:
    LocalInterest local_{Limits{}};
};

TEST_F(LocalInterestTest, GivesAVersionAtOnceWhileTheWindowIsOpen) {
    local_.open_window(InterestVersion{10});
    const InterestTicket first = local_.add(kShard, "a");
    EXPECT_EQ(local_.log().version(), InterestVersion{1});
    EXPECT_EQ(local_.since("a"), InterestVersion{1});
    EXPECT_EQ(local_.add(kOther, "a"), first) << "the peers know of it already";
    local_.remove(kShard, "a");
    EXPECT_EQ(local_.log().version(), InterestVersion{1});
    local_.remove(kOther, "a");
    EXPECT_EQ(local_.log().version(), InterestVersion{2});
    EXPECT_EQ(local_.size(), 0u);
}

TEST_F(LocalInterestTest, NeverTellsOfWhatWasAddedAndRemovedWhileTheWindowWasClosed) {
    for (std::uint64_t i = 0; i < 100'000; ++i) {
        local_.add(kShard, name(i));
        local_.remove(kShard, name(i));
    }
    EXPECT_EQ(local_.size(), 0u);
    EXPECT_FALSE(local_.is_backed_up());
    local_.open_window(InterestVersion{10});
    EXPECT_EQ(local_.log().version(), InterestVersion{0});
}

TEST_F(LocalInterestTest, GivesVersionsInTheOrderOfTheChanges) {
    local_.open_window(InterestVersion{1});
    local_.add(kShard, "a");
    const InterestTicket b = local_.add(kShard, "b");
    const InterestTicket c = local_.add(kShard, "c");
    local_.remove(kShard, "a");
    EXPECT_EQ(local_.pending(), 3u);
    EXPECT_EQ(local_.since("b"), std::nullopt);
    EXPECT_LT(local_.covered(InterestVersion{1}), b);
    local_.open_window(InterestVersion{2});
    EXPECT_EQ(local_.since("b"), InterestVersion{2});
    EXPECT_LT(local_.covered(InterestVersion{1}), b);
    EXPECT_GE(local_.covered(InterestVersion{2}), b);
    EXPECT_LT(local_.covered(InterestVersion{2}), c);
    local_.open_window(InterestVersion{9});
    EXPECT_GE(local_.covered(InterestVersion{3}), c);
    const InterestDelta delta = local_.log().changes_after(InterestVersion{0});
    EXPECT_EQ(delta.changes, (std::vector<InterestChange>{{true, "a"}, {true, "b"}, {true, "c"}, {false, "a"}}));
}

TEST_F(LocalInterestTest, CoversWhatComesBackBeforeThePeersWereToldOfItsEnd) {
    local_.open_window(InterestVersion{1});
    local_.add(kShard, "a");
    local_.remove(kShard, "a");
    EXPECT_EQ(local_.since("a"), std::nullopt) << "nobody is interested";
    EXPECT_EQ(local_.shards_of("a"), 0u);
    const InterestTicket again = local_.add(kShard, "a");
    EXPECT_LE(again, local_.covered(InterestVersion{1}));
    EXPECT_EQ(local_.since("a"), InterestVersion{1});
    EXPECT_FALSE(local_.is_backed_up());
}

TEST_F(LocalInterestTest, TellsOfAMarkedKeyOnceMoreWhenItComesBack) {
    const std::string key = presence_key("a");
    local_.open_window(InterestVersion{1});
    local_.add(kShard, key);
    const std::uint64_t digest = local_.log().digest();
    local_.remove(kShard, key);
    const InterestTicket again = local_.add(kShard, key);
    EXPECT_GT(again, local_.covered(InterestVersion{1})) << "the lists that came for the first time are forgotten";
    EXPECT_EQ(local_.since(key), std::nullopt);
    local_.open_window(InterestVersion{9});
    EXPECT_EQ(local_.since(key), InterestVersion{2});
    EXPECT_LE(again, local_.covered(InterestVersion{2}));
    EXPECT_EQ(local_.log().digest(), digest);
    EXPECT_EQ(local_.log().changes_after(InterestVersion{1}).changes, (std::vector<InterestChange>{{true, key}}));
    local_.remove(kShard, key);
    EXPECT_EQ(local_.log().digest(), 0u);
    EXPECT_EQ(local_.size(), 0u);
}

/// 400 channels held; between two messages of the two nodes 500 others come and go, each gone 40 later.
class ChurnTest : public testing::Test {
protected:
    static constexpr std::uint64_t kHeld = 400;
    static constexpr std::uint64_t kLag = 40;

    static Limits small() {
        Limits limits;
        limits.interest_log = 64;
        limits.interest_window = 32;
        limits.interest_bytes = 256;
        return limits;
    }

    void churn() {
        for (int i = 0; i < 500; ++i, ++churned_) {
            local_.add(kShard, name(10'000 + churned_));
            if (churned_ >= kLag) {
                local_.remove(kShard, name(10'000 + churned_ - kLag));
            }
        }
        longest_ = std::max(longest_, local_.pending());
    }

    /// The peer gets a message and asks for the next one.
    void exchange() {
        now_ += 2ms;
        churn();
        const InterestMessage message = feed_.on_pull(now_, local_.log(), pull_);
        if (const auto* delta = std::get_if<InterestDelta>(&message)) {
            EXPECT_FALSE(table_.apply(slot_, *delta).hole);
        } else {
            EXPECT_TRUE(table_.apply(slot_, std::get<InterestChunk>(message)));
        }
        const auto have = table_.version(slot_).value_or(InterestVersion{});
        pull_ = table_.continuation(slot_).value_or(InterestPull{.have = have});
        local_.open_window(feed_.needs().plus(limits_.interest_window));
    }

    const Limits limits_ = small();
    LocalInterest local_{limits_};
    InterestFeed feed_{Timing{}};
    InterestTable table_{limits_};
    InterestSlot slot_ = table_.take_slot().value();
    InterestPull pull_;
    Instant now_{10s};
    std::uint64_t churned_ = 0;
    std::size_t longest_ = 0;
};

TEST_F(ChurnTest, ASnapshotEndsAndANewChannelIsToldOfInTime) {
    local_.open_window(InterestVersion{kHeld});
    for (std::uint64_t i = 0; i < kHeld; ++i) {
        local_.add(kShard, name(i));
    }
    int messages = 0;
    for (; !table_.version(slot_); ++messages) {
        ASSERT_LT(messages, 100) << "the snapshot does not end";
        exchange();
    }
    EXPECT_GT(messages, 10) << "one message was no snapshot to speak of";
    const InterestTicket fresh = local_.add(kShard, "app/fresh");
    for (messages = 0; local_.covered(feed_.acked()) < fresh; ++messages) {
        ASSERT_LT(messages, 20) << "the new channel waits for ever";
        exchange();
    }
    exchange();
    EXPECT_TRUE(table_.interested(slot_, "app/fresh"));
    EXPECT_TRUE(table_.interested(slot_, name(0)));
    EXPECT_LE(longest_, 2 * kLag + 2) << "what waits is no more than what differs from what the peer knows";
    EXPECT_LE(local_.size(), kHeld + 3 * kLag + limits_.interest_window);
}

}  // namespace
}  // namespace tulle::mesh::local_interest_test
