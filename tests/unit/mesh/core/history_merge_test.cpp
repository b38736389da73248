#include "mesh/core/history/history_merge.hpp"

#include <gtest/gtest.h>

namespace tulle::mesh::history_merge_test {
namespace {

HistoryItem item(std::uint64_t time_us, std::uint64_t origin = 1, std::size_t bytes = 1) {
    return {RecordNo{time_us}, {time_us, OriginId{origin}}, share(EventBody("e", std::string(bytes, 'x')))};
}

std::vector<std::uint64_t> times(const HistoryPage& page) {
    std::vector<std::uint64_t> all;
    for (const HistoryItem& one : page.items) {
        all.push_back(one.stamp.time_us);
    }
    return all;
}
using Times = std::vector<std::uint64_t>;

TEST(HistoryMerge, HoldsEachEntryOnceInTheOrderThatWasAskedFor) {
    for (const bool newest_first : {true, false}) {
        HistoryMerge merge({.channel = "c", .newest_first = newest_first, .limit = 10});
        merge.add({.items = {item(1), item(3)}, .whole_since_us = 50});
        merge.add({.items = {item(2), item(3)}, .whole_since_us = 40});
        merge.add({.items = {item(3, 2)}, .whole_since_us = kNeverWhole});
        const HistoryPage page = merge.take();
        EXPECT_EQ(times(page), newest_first ? (Times{3, 3, 2, 1}) : (Times{1, 2, 3, 3}));
        EXPECT_FALSE(page.has_more);
        EXPECT_EQ(page.whole_since_us, 40u) << "a single node that was told all is enough";
    }
}

TEST(HistoryMerge, GivesNothingBehindTheEndOfAnAnswerThatEndedEarly) {
    HistoryMerge merge({.channel = "c", .newest_first = true, .limit = 10});
    merge.add({.items = {item(9), item(5)}, .ends_with = {5, OriginId{1}}});
    merge.add({.items = {item(8), item(3)}});
    const HistoryPage page = merge.take();
    EXPECT_EQ(times(page), (Times{9, 8, 5})) << "the first node may hold 4";
    EXPECT_TRUE(page.has_more);
}

TEST(HistoryMerge, TheEarliestEndCounts) {
    HistoryMerge merge({.channel = "c", .newest_first = false, .limit = 10});
    merge.add({.items = {item(1), item(4)}, .ends_with = {4, OriginId{1}}});
    merge.add({.items = {item(2)}, .ends_with = {2, OriginId{1}}});
    EXPECT_EQ(times(merge.take()), (Times{1, 2}));
}

TEST(HistoryMerge, WhatANodeHasGivenUpMayBeOnItsWayToTheOthers) {
    HistoryMerge merge({.channel = "c", .limit = 10});
    merge.add({.whole_since_us = 40});
    merge.add({.whole_since_us = kNeverWhole, .evicted_upto_us = 60});
    EXPECT_EQ(merge.take().whole_since_us, 61u);
    HistoryMerge unclaimed({.channel = "c", .limit = 10});
    unclaimed.add({.whole_since_us = kNeverWhole, .evicted_upto_us = 60});
    EXPECT_EQ(unclaimed.take().whole_since_us, kNeverWhole);
}

TEST(HistoryMerge, HoldsNoMoreThanWasAskedFor) {
    HistoryMerge merge({.channel = "c", .newest_first = true, .limit = 2});
    for (std::uint64_t time = 1; time <= 9; ++time) {
        merge.add({.items = {item(time)}});
    }
    const HistoryPage page = merge.take();
    EXPECT_EQ(times(page), (Times{9, 8}));
    EXPECT_TRUE(page.has_more);
}

TEST(HistoryMerge, GivesNothingBehindAnEntryThatHadNoRoom) {
    HistoryMerge merge({.channel = "c", .newest_first = false, .limit = 10});
    merge.add({.items = {item(2, 1, kMaxHistoryPageBytes / 2)}});
    merge.add({.items = {item(1, 1, kMaxHistoryPageBytes / 2), item(3)}});
    const HistoryPage page = merge.take();
    EXPECT_EQ(times(page), (Times{1})) << "a page that went on with 3 would skip 2 for ever";
    EXPECT_TRUE(page.has_more);
}

TEST(HistoryMerge, HoldsNoMoreBytesThanAPage) {
    HistoryMerge merge({.channel = "c", .newest_first = true, .limit = 10});
    merge.add({.items = {item(1, 1, kMaxHistoryPageBytes)}});
    merge.add({.items = {item(2, 1, kMaxHistoryPageBytes)}});
    const HistoryPage page = merge.take();
    EXPECT_EQ(times(page), (Times{2}));
    EXPECT_TRUE(page.has_more);
}

}  // namespace
}  // namespace tulle::mesh::history_merge_test
