#include "mesh/core/interest/interest_table.hpp"

#include <gtest/gtest.h>

#include "tests/unit/mesh/core/interest_changes.hpp"

namespace tulle::mesh::interest_table_test {
namespace {

class InterestTableTest : public testing::Test {
protected:
    static InterestDelta delta(std::uint64_t base, std::vector<InterestChange> changes) {
        return {InterestVersion{base}, std::move(changes), {}};
    }

    InterestTable table_{Limits{}};
    InterestSlot slot_ = table_.take_slot().value();
};

TEST_F(InterestTableTest, AppliesContiguousDeltas) {
    EXPECT_EQ(table_.version(slot_), std::nullopt);
    EXPECT_FALSE(table_.apply(slot_, delta(0, {{true, "a"}, {true, "b"}})).hole);
    EXPECT_FALSE(table_.apply(slot_, delta(2, {{false, "a"}})).hole);
    EXPECT_EQ(table_.version(slot_), InterestVersion{3});
    EXPECT_FALSE(table_.interested(slot_, "a"));
    EXPECT_TRUE(table_.interested(slot_, "b"));
}

TEST_F(InterestTableTest, NeverAppliesADeltaBehindAHole) {
    static_cast<void>(table_.apply(slot_, delta(0, {{true, "a"}})));
    EXPECT_TRUE(table_.apply(slot_, delta(2, {{true, "c"}})).hole);
    EXPECT_EQ(table_.version(slot_), InterestVersion{1});
    EXPECT_FALSE(table_.interested(slot_, "c"));
}

TEST_F(InterestTableTest, SkipsTheKnownPartOfARepeatedDelta) {
    static_cast<void>(table_.apply(slot_, delta(0, {{true, "a"}, {false, "a"}})));
    static_cast<void>(table_.apply(slot_, delta(0, {{true, "a"}, {false, "a"}, {true, "b"}})));
    EXPECT_EQ(table_.version(slot_), InterestVersion{3});
    EXPECT_EQ(table_.digest(slot_), stable_hash("b"));
    EXPECT_EQ(table_.size(slot_), 1u);
}

TEST_F(InterestTableTest, IgnoresASnapshotThatIsOlderThanItsDeltas) {
    static_cast<void>(table_.apply(slot_, delta(0, {{true, "a"}, {true, "b"}})));
    EXPECT_FALSE(table_.apply(slot_, {1, InterestVersion{1}, {}, {"a"}, true, {}}));
    EXPECT_TRUE(table_.interested(slot_, "b"));
}

TEST_F(InterestTableTest, TakesNoChunksThatNeverComeToAnEnd) {
    EXPECT_FALSE(table_.apply(slot_, {1, InterestVersion{5}, {}, {}, false, {}})) << "brings nothing";
    EXPECT_FALSE(table_.apply(slot_, {1, InterestVersion{5}, {}, {"b", "a"}, false, {}})) << "goes back";
    EXPECT_FALSE(table_.apply(slot_, {1, InterestVersion{5}, {}, {"a", "a"}, false, {}})) << "stands still";
    EXPECT_FALSE(table_.continuation(slot_).has_value());
    EXPECT_TRUE(table_.apply(slot_, {1, InterestVersion{5}, {}, {}, true, {}})) << "no interest at all";
}

TEST_F(InterestTableTest, ReplacesTheSetWhenTheLastChunkHasCome) {
    static_cast<void>(table_.apply(slot_, delta(0, {{true, "old"}})));
    EXPECT_TRUE(table_.apply(slot_, {1, InterestVersion{5}, {}, {"a"}, false, {}}));
    EXPECT_TRUE(table_.interested(slot_, "old"));
    EXPECT_FALSE(table_.interested(slot_, "a"));
    EXPECT_EQ(table_.continuation(slot_)->after, "a");
    EXPECT_FALSE(table_.apply(slot_, {1, InterestVersion{5}, {}, {"a"}, false, {}})) << "a repeated chunk";
    EXPECT_TRUE(table_.apply(slot_, {1, InterestVersion{5}, "a", {"b"}, true, {}}));
    EXPECT_FALSE(table_.interested(slot_, "old"));
    EXPECT_TRUE(table_.interested(slot_, "a"));
    EXPECT_EQ(table_.version(slot_), InterestVersion{5});
    EXPECT_EQ(table_.digest(slot_), stable_hash("a") ^ stable_hash("b"));
}

TEST_F(InterestTableTest, ForgetsAPeerAtOnceAndSweepsItsEntriesLater) {
    const InterestSlot other = table_.take_slot().value();
    static_cast<void>(table_.apply(slot_, delta(0, {{true, "a"}, {true, "b"}})));
    static_cast<void>(table_.apply(other, delta(0, {{true, "b"}})));
    table_.give_back(slot_);
    const InterestSlot reused = table_.take_slot().value();
    EXPECT_EQ(reused, slot_);
    EXPECT_FALSE(table_.interested(reused, "a"));
    while (table_.sweep()) {
    }
    EXPECT_EQ(table_.channels(), 1u);
    EXPECT_TRUE(table_.interested(other, "b"));
}

TEST_F(InterestTableTest, SweepsTheEntriesOfASnapshotThatIsGivenUp) {
    EXPECT_TRUE(table_.apply(slot_, {1, InterestVersion{5}, {}, {"given", "up"}, false, {}}));
    EXPECT_TRUE(table_.apply(slot_, {2, InterestVersion{6}, {}, {"a"}, false, {}}));
    while (table_.sweep()) {
    }
    EXPECT_EQ(table_.channels(), 1u) << "the snapshot under way is whole";
}

TEST_F(InterestTableTest, SweepsWhatIsOldThoughItsPeerSendsSnapshotsAgainAndAgain) {
    const std::size_t kNames = 20'000;  // more buckets than a few slices
    InterestDelta many = delta(0, {});
    for (std::size_t i = 0; i < kNames; ++i) {
        many.changes.push_back({true, "old" + std::to_string(i)});
    }
    static_cast<void>(table_.apply(slot_, many));
    EXPECT_EQ(table_.channels(), kNames);
    // of all buckets, if they are four to a name, twice
    const std::size_t turns = 2 * (4 * kNames / Limits{}.sweep_buckets);
    for (std::uint64_t i = 1; i <= turns; ++i) {
        EXPECT_TRUE(table_.apply(slot_, {i, InterestVersion{kNames + i}, {}, {"a"}, true, {}}));
        static_cast<void>(table_.sweep());
    }
    EXPECT_EQ(table_.channels(), 1u);
    while (table_.sweep()) {
    }
    EXPECT_TRUE(table_.interested(slot_, "a"));
}

TEST_F(InterestTableTest, KnowsWhoHasInterestInTooMuch) {
    Limits limits;
    limits.interest_channels = 3;
    limits.interest_peer_bytes = 10;
    InterestTable small(limits);
    const InterestSlot slot = small.take_slot().value();
    static_cast<void>(small.apply(slot, delta(0, {{true, "a"}, {true, "b"}, {true, "c"}})));
    EXPECT_FALSE(small.is_over(slot));
    static_cast<void>(small.apply(slot, delta(3, {{true, "d"}})));
    EXPECT_TRUE(small.is_over(slot)) << "four names";
    static_cast<void>(small.apply(slot, delta(4, {{false, "d"}, {false, "c"}, {true, "1234567890"}})));
    EXPECT_TRUE(small.is_over(slot)) << "twelve bytes";
    static_cast<void>(small.apply(slot, delta(7, {{false, "a"}, {false, "b"}})));
    EXPECT_FALSE(small.is_over(slot));
    EXPECT_TRUE(small.apply(slot, {1, InterestVersion{9}, {}, {"a", "b", "c", "d"}, false, {}}));
    EXPECT_TRUE(small.is_over(slot)) << "a snapshot that is not whole yet";
    EXPECT_TRUE(small.apply(slot, {2, InterestVersion{9}, {}, {"a"}, true, {}}));
    EXPECT_FALSE(small.is_over(slot));
}

TEST_F(InterestTableTest, IsExactWhenTheSetChangesWhileItIsReadInChunks) {
    Limits limits;
    limits.interest_bytes = 6;
    InterestLog log{limits};
    for (const char* channel : {"a", "b", "c", "d"}) {
        add(log, channel);
    }
    const InterestVersion base = log.version();
    InterestChunk chunk = log.chunk(1, base, {});
    while (true) {
        ASSERT_TRUE(table_.apply(slot_, chunk));
        if (chunk.last) {
            break;
        }
        if (chunk.channels.back() == "b") {
            remove(log, "a");
            remove(log, "d");
            add(log, "aa");
            add(log, "e");
        }
        chunk = log.chunk(1, base, table_.continuation(slot_)->after);
    }
    while (*table_.version(slot_) < log.version()) {
        EXPECT_FALSE(table_.apply(slot_, log.changes_after(*table_.version(slot_))).hole);
    }
    EXPECT_EQ(table_.version(slot_), log.version());
    EXPECT_EQ(table_.digest(slot_), log.digest());
    EXPECT_FALSE(table_.interested(slot_, "d"));
    EXPECT_TRUE(table_.interested(slot_, "aa"));
}

}  // namespace
}  // namespace tulle::mesh::interest_table_test
