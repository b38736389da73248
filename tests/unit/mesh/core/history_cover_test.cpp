#include "mesh/core/history/history_cover.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "mesh/base/prng.hpp"
#include "mesh/core/history/history_page.hpp"
#include "mesh/core/node/rendezvous.hpp"

namespace tulle::mesh::history_cover_test {
namespace {

constexpr OriginId kSelf{1};
const std::string kChannel = "app/c";

class HistoryCoverTest : public testing::Test {
protected:
    HistoryCoverTest() { cover_.agree(now_, 100); }

    void members(std::vector<std::uint64_t> others, bool is_broken = false) {
        std::vector<OriginId> ids;
        for (const std::uint64_t oid : others) {
            ids.emplace_back(oid);
        }
        cover_.set_members(now_, std::move(ids), is_broken);
    }
    std::uint64_t since(const std::string& channel = kChannel) { return cover_.since_us(now_, channel); }
    /// A channel that `self` keeps among both, or not.
    static std::string channel_of(const std::vector<OriginId>& all, bool is_kept) {
        for (int i = 0;; ++i) {
            std::string name = "app/" + std::to_string(i);
            const std::vector<OriginId> named = keepers(all, name, kKeepers);
            if ((std::find(named.begin(), named.end(), kSelf) != named.end()) == is_kept) {
                return name;
            }
        }
    }

    Instant now_{10s};
    HistoryCover cover_{kSelf};
};

TEST_F(HistoryCoverTest, TheFirstNodeIsToldAllFromItsStartOn) {
    EXPECT_EQ(since(), 100u);
    EXPECT_FALSE(cover_.is_changing());
}

TEST_F(HistoryCoverTest, ANewcomerOrADeathBreaksNothingForWhoStaysAKeeper) {
    members({2});
    EXPECT_TRUE(cover_.is_changing());
    EXPECT_EQ(since(), 100u) << "whatever the others see, this node is a keeper for them";
    cover_.agree(now_, 200);
    members({2, 3});
    cover_.agree(now_, 300);
    members({3});
    cover_.agree(now_, 400);
    EXPECT_EQ(since(), 100u);
}

TEST_F(HistoryCoverTest, AMemberThatHasServedMayHaveAcceptedMessagesBefore) {
    members({2}, true);
    EXPECT_EQ(since(), kNeverWhole);
    cover_.agree(now_, 200);
    EXPECT_EQ(since(), 200u);
}

TEST_F(HistoryCoverTest, WhoBecomesAKeeperIsToldFromTheAgreementOn) {
    members({2, 3, 4});
    cover_.agree(now_, 200);
    const std::string kept = channel_of({kSelf, OriginId{2}, OriginId{3}, OriginId{4}}, true);
    const std::string other = channel_of({kSelf, OriginId{2}, OriginId{3}, OriginId{4}}, false);
    EXPECT_EQ(since(kept), 100u);
    EXPECT_EQ(since(other), kNeverWhole);
    members({2, 3});
    EXPECT_EQ(since(kept), 100u);
    EXPECT_EQ(since(other), kNeverWhole) << "some may still name the lost member";
    cover_.agree(now_, 300);
    EXPECT_EQ(since(kept), 100u);
    EXPECT_EQ(since(other), 300u);
}

TEST_F(HistoryCoverTest, OfTwoChangesAtOnceOthersMayHaveSeenEachAlone) {
    members({2, 3});
    cover_.agree(now_, 200);
    // 2 goes and 4 comes, and some may see 2 and 4 together.
    members({3});
    members({3, 4});
    cover_.agree(now_, 300);
    const std::vector<OriginId> all{kSelf, OriginId{2}, OriginId{3}, OriginId{4}};
    EXPECT_EQ(since(channel_of(all, true)), 100u);
    EXPECT_EQ(since(channel_of(all, false)), 300u);
}

TEST_F(HistoryCoverTest, WhoeverDisagreesForLongMayHaveMembersThatThisNodeNeverMet) {
    members({2});
    now_ += 5s;
    EXPECT_EQ(since(), 100u);
    now_ += 1ms;
    EXPECT_EQ(since(), kNeverWhole);
    cover_.agree(now_, 200);
    EXPECT_EQ(since(), 200u);
}

TEST_F(HistoryCoverTest, ALossBreaksTheTimeOfAllChannels) {
    // The clock of the lost message may be ahead.
    cover_.lose(500);
    EXPECT_EQ(since(), 1'000'500u);
    cover_.lose(400);
    EXPECT_EQ(since(), 1'000'500u);
}

TEST_F(HistoryCoverTest, AMemberThatThisNodeNeverMetBreaksTheTime) {
    const auto digest = [](std::vector<std::uint64_t> all) {
        std::uint64_t sum = 0;
        for (const std::uint64_t oid : all) {
            sum ^= oid;
        }
        return sum;
    };
    members({20, 30, 40});
    cover_.agree(now_, 200);
    const std::string kept = channel_of({kSelf, OriginId{20}, OriginId{30}, OriginId{40}, OriginId{50}}, true);
    for (const auto& seen : std::vector<std::vector<std::uint64_t>>{{1, 20, 30, 40}, {1, 20, 40}, {20, 40}}) {
        cover_.hear(now_, digest(seen));
        EXPECT_FALSE(cover_.is_changing()) << "some of this node's members: a keeper among all is one among them";
    }
    cover_.hear(now_, digest({1, 20, 30, 40, 50}));
    EXPECT_TRUE(cover_.is_changing());
    EXPECT_EQ(since(kept), kNeverWhole);
    members({20, 30, 40, 50});
    EXPECT_EQ(since(kept), 100u) << "this node has met the same member a moment later";
    cover_.agree(now_, 300);
    EXPECT_EQ(since(kept), 100u);
    cover_.hear(now_, digest({1, 20, 30, 40, 50, 61}));
    members({20, 30, 40});
    EXPECT_EQ(since(kept), kNeverWhole) << "another change explains nothing";
    cover_.agree(now_, 400);
    EXPECT_EQ(since(kept), 400u);
}

TEST_F(HistoryCoverTest, AMemberThatOthersStillSeeWhenItHasGoneHereBreaksNothing) {
    members({256, 512});
    cover_.agree(now_, 200);
    members({512});
    cover_.hear(now_, 1 ^ 256 ^ 512);
    EXPECT_EQ(since(), 100u);
    members({512, 1024});  // its successor
    cover_.hear(now_, 1 ^ 256 ^ 512);
    cover_.hear(now_, 1 ^ 256 ^ 512 ^ 1024);
    cover_.agree(now_, 300);
    EXPECT_EQ(since(channel_of({kSelf, OriginId{256}, OriginId{512}, OriginId{1024}}, true)), 100u);
    // From the agreement on nobody sees the former member: who does has met somebody unknown here.
    cover_.hear(now_, 1 ^ 256 ^ 512 ^ 1024);
    EXPECT_EQ(since(), kNeverWhole);
}

TEST_F(HistoryCoverTest, RemembersSixtyFourAgreements) {
    for (std::uint64_t i = 0; i < 100; ++i) {
        members({2});
        members({});
    }
    EXPECT_EQ(since(), 100u) << "changes without an agreement between cost nothing";
    for (std::uint64_t i = 0; i < HistoryCover::kMaxEpochs - 1; ++i) {
        members({2});
        cover_.agree(now_, 200 + i);
    }
    EXPECT_EQ(since(), 100u);
    members({2});
    cover_.agree(now_, 900);
    EXPECT_EQ(since(), 200u) << "the oldest is forgotten";
}

/// Others see each change early or late, and in any order within a change. Whoever accepts a message names the keepers
/// among the members seen: no message from the moment on that the cover tells may miss this node.
TEST_F(HistoryCoverTest, NeverSaysThatAllWasToldWhenSomethingWasNot) {
    Prng prng(11);
    std::size_t checked = 0;
    for (int round = 0; round < 400; ++round) {
        HistoryCover cover(kSelf);
        std::uint64_t clock = 1;
        cover.agree(now_, clock);
        std::vector<OriginId> present{kSelf};
        /// All that somebody may see at present: the members at the last agreement and since.
        std::vector<std::vector<OriginId>> views{present};
        std::uint64_t newest = 1;
        // By channel: when a message was accepted without this node.
        std::map<std::string, std::uint64_t> missed;
        for (int step = 0; step < 60; ++step) {
            ++clock;
            if (prng.chance(30)) {
                if (present.size() > 1 && prng.chance(50)) {
                    present.erase(present.begin() + 1 + static_cast<std::ptrdiff_t>(prng.below(present.size() - 1)));
                } else if (present.size() < 8) {
                    present.emplace_back(++newest);
                }
                std::vector<OriginId> others(present.begin() + 1, present.end());
                cover.set_members(now_, std::move(others), false);
                views.push_back(present);
            } else if (prng.chance(40)) {
                cover.agree(now_, clock);
                views = {present};
            }
            // A view holds this node, and of the others any that were members at a time.
            std::vector<OriginId> view{kSelf};
            for (const std::vector<OriginId>& one : views) {
                for (const OriginId oid : one) {
                    if (std::find(view.begin(), view.end(), oid) == view.end() && prng.chance(70)) {
                        view.push_back(oid);
                    }
                }
            }
            // With the agreement all see the present members.
            view = cover.is_changing() ? view : present;
            const std::string channel = "app/" + std::to_string(prng.below(6));
            ++clock;
            const std::vector<OriginId> named = keepers(view, channel, kKeepers);
            if (std::find(named.begin(), named.end(), kSelf) == named.end()) {
                missed[channel] = clock;
            }
            for (const auto& [name, at] : missed) {
                checked += cover.since_us(now_, name) != kNeverWhole ? 1u : 0u;
                EXPECT_GT(cover.since_us(now_, name), at) << round << " " << name;
            }
        }
    }
    EXPECT_GT(checked, 1000u);
}

}  // namespace
}  // namespace tulle::mesh::history_cover_test
