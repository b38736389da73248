#include "mesh/core/usage/usage_table.hpp"

#include <gtest/gtest.h>

namespace tulle::mesh::usage_table_test {
namespace {

constexpr Instant kStart{10s};
using Entries = std::vector<std::pair<std::string, std::uint64_t>>;

TEST(UsageTable, TellsTheMembersTheSumAndEachShardWhatTheOthersUse) {
    UsageTable table({});
    table.share(kStart, ShardIndex{0}, {{{"a/events", 3}, {"a/reads", 1}}});
    table.share(kStart, ShardIndex{1}, {{{"a/events", 4}}});
    table.accept(kStart, OriginId{2}, {2, {{"a/events", 10}}});
    const UsageTable::Out out = table.on_deadline(kStart);
    ASSERT_TRUE(out.to_members);
    EXPECT_EQ(out.to_members->sources, 2u);
    EXPECT_EQ(out.to_members->entries, (Entries{{"a/events", 7}, {"a/reads", 1}}));
    ASSERT_EQ(out.to_shards.size(), 2u);
    EXPECT_EQ(out.to_shards[0].second.sources, 4u);
    EXPECT_EQ(out.to_shards[0].second.others, (Entries{{"a/events", 14}}));
    EXPECT_EQ(out.to_shards[1].second.others, (Entries{{"a/events", 13}, {"a/reads", 1}}));
}

TEST(UsageTable, SpeaksOnceInAnIntervalAndRepeatsWhatMayBeLost) {
    const Timing timing;
    UsageTable table(timing);
    table.share(kStart, ShardIndex{0}, {{{"a", 1}}});
    EXPECT_TRUE(table.on_deadline(kStart).to_members);
    table.share(kStart, ShardIndex{0}, {{{"a", 2}}});
    EXPECT_FALSE(table.on_deadline(kStart + timing.usage / 2).to_members);
    EXPECT_EQ(table.next_deadline(), kStart + timing.usage);
    EXPECT_EQ(table.on_deadline(kStart + timing.usage).to_members->entries, (Entries{{"a", 2}}));
    EXPECT_TRUE(table.on_deadline(kStart + 2 * timing.usage).to_members);
    EXPECT_TRUE(table.on_deadline(kStart + 2 * timing.usage).to_shards.empty());  // told before
}

TEST(UsageTable, FallsSilentWhenThereIsNothingToSayAnyMore) {
    const Timing timing;
    UsageTable table(timing);
    table.share(kStart, ShardIndex{0}, {});
    int words = 0;
    for (Instant now = kStart; table.next_deadline(); now = *table.next_deadline()) {
        words += table.on_deadline(now).to_members ? 1 : 0;
        if (!table.next_deadline()) {
            break;
        }
    }
    EXPECT_EQ(words, 3);
}

TEST(UsageTable, ForgetsWhoIsGone) {
    const Timing timing;
    UsageTable table(timing);
    table.share(kStart, ShardIndex{0}, {});
    table.accept(kStart, OriginId{2}, {1, {{"a", 5}}});
    EXPECT_EQ(table.on_deadline(kStart).to_shards.at(0).second.others, (Entries{{"a", 5}}));
    table.lose(kStart, OriginId{2});
    const UsageTable::Out out = table.on_deadline(kStart + timing.usage);
    EXPECT_EQ(out.to_shards.at(0).second.sources, 1u);
    EXPECT_TRUE(out.to_shards.at(0).second.others.empty());
}

TEST(UsageTable, SumsOfAnythingStayAtTheMostThereIs) {
    const Timing timing;
    UsageTable table(timing);
    table.share(kStart, ShardIndex{0}, {});
    table.accept(kStart, OriginId{2}, {1, {{"a", std::numeric_limits<std::uint64_t>::max()}}});
    table.accept(kStart, OriginId{3}, {1, {{"a", 5}, {"a", 7}}});
    EXPECT_EQ(table.on_deadline(kStart).to_shards.at(0).second.others,
              (Entries{{"a", std::numeric_limits<std::uint64_t>::max()}}));
}

}  // namespace
}  // namespace tulle::mesh::usage_table_test
