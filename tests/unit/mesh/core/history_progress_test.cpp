#include "mesh/core/history/history_progress.hpp"

#include <gtest/gtest.h>

namespace tulle::mesh::history_progress_test {
namespace {

constexpr Instant kStart{1h};
constexpr OriginId kA{1};
constexpr OriginId kB{2};

TEST(HistoryProgress, APeerHasComeAsFarAsTheLastFrameItHasNamed) {
    HistoryProgress progress;
    progress.session_up(kA);
    EXPECT_EQ(progress.settled(kStart, 500), std::nullopt) << "the peer has said nothing";
    progress.claimed(kA, FrameNo{1}, 90);
    progress.received(kA, FrameNo{1});
    EXPECT_EQ(progress.settled_of(kA), 0u) << "the first heartbeat may come before the frames of its turn";
    progress.claimed(kA, FrameNo{3}, 100);
    progress.received(kA, FrameNo{2});
    EXPECT_EQ(progress.settled_of(kA), 0u);
    progress.claimed(kA, FrameNo{4}, 200);
    progress.received(kA, FrameNo{3});
    EXPECT_EQ(progress.settled_of(kA), 99u) << "a later message may bear the very time of the claim";
    EXPECT_EQ(progress.settled(kStart, 500), 99u);
    EXPECT_EQ(progress.settled(kStart, 50), 50u);
}

TEST(HistoryProgress, AnOriginThatHasGoneHoldsUpTheRestUntilNothingOfItCanCome) {
    HistoryProgress progress;
    for (const OriginId oid : {kA, kB}) {
        progress.session_up(oid);
        progress.claimed(oid, FrameNo{1}, 1);
        progress.claimed(oid, FrameNo{1}, oid == kA ? 100 : 200);
        progress.received(oid, FrameNo{1});
    }
    progress.session_down(kStart + 60s, kA);
    EXPECT_EQ(progress.settled(kStart, 500), 99u);
    progress.tick(kStart + 60s);
    EXPECT_EQ(progress.settled(kStart + 60s, 500), 199u);
    progress.session_down(kStart + 60s, kB);
    EXPECT_EQ(progress.settled(kStart, 500), 199u);
    progress.recovered(kB);
    EXPECT_EQ(progress.settled(kStart, 500), 500u);
    progress.session_down(kStart, OriginId{7});  // without a session: nothing happens
    progress.claimed(OriginId{7}, FrameNo{1}, 1);
    progress.received(OriginId{7}, FrameNo{1});
    EXPECT_EQ(progress.settled_of(OriginId{7}), 0u);
}

TEST(HistoryProgress, MessagesThatHaveComeCountForTheirOrigin) {
    HistoryProgress progress;
    progress.arrived({70, kA});
    progress.arrived({60, kA});
    EXPECT_EQ(progress.arrived_of(kA), 70u);
    EXPECT_EQ(progress.arrived_of(kB), 0u);
    progress.session_up(kB);
    for (std::uint64_t i = 0; i <= kMaxMembers; ++i) {
        progress.arrived({1, OriginId{100 + i}});
    }
    progress.arrived({9, kB});
    progress.tick(kStart);
    EXPECT_EQ(progress.arrived_of(kA), 0u) << "too many origins: those without a session are forgotten";
    EXPECT_EQ(progress.arrived_of(kB), 9u);
}

}  // namespace
}  // namespace tulle::mesh::history_progress_test
