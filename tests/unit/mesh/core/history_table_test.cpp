#include "mesh/core/history/history_table.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "mesh/base/prng.hpp"

namespace tulle::mesh::history_table_test {
namespace {

constexpr Instant kStart{10s};
constexpr OriginId kA{1};
constexpr OriginId kB{2};
const std::string kChannel = "app/chat";

class HistoryTableTest : public testing::Test {
protected:
    using Names = std::vector<std::string>;

    HistoryEntry entry(OriginId origin, std::uint64_t n, std::uint64_t time_us, std::size_t bytes = 10) {
        return {.n = RecordNo{n},
                .stamp = {time_us, origin},
                .body = share(EventBody("e", std::string(bytes, 'x'))),
                .until = now_ + limits_of_channel_.ttl};
    }
    bool put(HistoryEntry made, const std::string& channel = kChannel) {
        return table_.put(now_, channel, limits_of_channel_, std::move(made));
    }
    /// "1:3" for record 3 of origin 1.
    static std::vector<std::string> names(const std::vector<const HistoryEntry*>& entries) {
        std::vector<std::string> found;
        for (const HistoryEntry* one : entries) {
            found.push_back(std::to_string(one->stamp.origin.value) + ":" + std::to_string(one->n.value));
        }
        return found;
    }
    /// The last entries, in the order of the channel.
    Names latest(const std::string& channel = kChannel, std::size_t limit = 10) {
        HistoryTable::Page page = table_.page(now_, {.channel = channel, .limit = limit});
        std::reverse(page.entries.begin(), page.entries.end());
        return names(page.entries);
    }
    std::uint64_t whole_since(const std::string& channel = kChannel) { return table_.whole_since_us(now_, channel); }

    Limits limits_;
    HistoryLimits limits_of_channel_{.size = 3, .bytes = 1u << 20, .ttl = 2min};
    HistoryTable table_{limits_};
    Instant now_ = kStart;
};

TEST_F(HistoryTableTest, OrdersByStampAndHoldsEachRecordOnce) {
    EXPECT_TRUE(put(entry(kA, 1, 100)));
    EXPECT_TRUE(put(entry(kA, 4, 300)));
    EXPECT_TRUE(put(entry(kB, 9, 200)));
    EXPECT_FALSE(put(entry(kA, 4, 300))) << "again";
    EXPECT_EQ(latest(), (Names{"1:1", "2:9", "1:4"}));
    EXPECT_EQ(table_.entries(), 3u);
    EXPECT_TRUE(latest("app/other").empty());
}

TEST_F(HistoryTableTest, GivesPagesInBothDirections) {
    for (std::uint64_t n = 1; n <= 3; ++n) {
        put(entry(kA, n, 100 * n));
    }
    const auto page = [this](HistoryAsk ask) {
        ask.channel = kChannel;
        const HistoryTable::Page found = table_.page(now_, ask);
        Names all = names(found.entries);
        all.push_back(found.has_more ? "more" : "end");
        return all;
    };
    EXPECT_EQ(page({.limit = 2}), (Names{"1:3", "1:2", "more"}));
    EXPECT_EQ(page({.limit = 2, .behind = {200, kA}}), (Names{"1:1", "end"}));
    EXPECT_EQ(page({.newest_first = false, .limit = 2}), (Names{"1:1", "1:2", "more"}));
    EXPECT_EQ(page({.newest_first = false, .limit = 2, .behind = {200, kA}}), (Names{"1:3", "end"}));
    EXPECT_EQ(page({.limit = 3}), (Names{"1:3", "1:2", "1:1", "end"}));
    EXPECT_EQ(page({.limit = 3, .from_us = 200}), (Names{"1:3", "1:2", "end"}));
    EXPECT_EQ(page({.limit = 3, .to_us = 200}), (Names{"1:2", "1:1", "end"}));
    EXPECT_EQ(page({.limit = 3, .from_us = 101, .to_us = 199}), (Names{"end"}));
    EXPECT_EQ(page({.limit = 3, .from_us = 300, .to_us = 100}), (Names{"end"}));
    EXPECT_EQ(page({.limit = 3, .behind = {250, kB}}), (Names{"1:2", "1:1", "end"})) << "an entry that is gone since";
    EXPECT_EQ(page({.newest_first = false, .limit = 3, .behind = {250, kB}}), (Names{"1:3", "end"}));
    EXPECT_EQ(page({.newest_first = false, .limit = 3, .from_us = 300, .behind = {100, kA}}), (Names{"1:3", "end"}));
}

TEST_F(HistoryTableTest, APageHasAnEntryHoweverLarge) {
    put(entry(kA, 1, 100, kMaxHistoryPageBytes));
    put(entry(kA, 2, 200, kMaxHistoryPageBytes));
    limits_of_channel_.bytes = kMaxHistoryBytes;
    put(entry(kA, 3, 300, kMaxHistoryPageBytes));
    const HistoryTable::Page page = table_.page(now_, {.channel = kChannel, .limit = 3});
    EXPECT_EQ(names(page.entries), Names{"1:3"});
    EXPECT_EQ(page.has_more, table_.entries() > 1);
}

TEST_F(HistoryTableTest, KnowsFromWhenOnNothingWasEvicted) {
    put(entry(kA, 1, 100));
    put(entry(kB, 5, 150));
    put(entry(kA, 2, 200));
    EXPECT_EQ(whole_since(), 1u);
    put(entry(kA, 3, 300));  // evicts 1:1
    EXPECT_EQ(whole_since(), 101u);
    put(entry(kA, 4, 400));  // evicts 2:5
    EXPECT_EQ(whole_since(), 151u);
    EXPECT_EQ(latest(), (Names{"1:2", "1:3", "1:4"}));
    EXPECT_FALSE(put(entry(kB, 5, 150))) << "an evicted entry does not come back";
    EXPECT_EQ(table_.evicted().by_size, 2u);
}

TEST_F(HistoryTableTest, AnEntryThatComesTooLateCountsAsEvicted) {
    put(entry(kA, 1, 100));
    put(entry(kA, 2, 200));
    put(entry(kA, 3, 300));
    put(entry(kB, 7, 50));
    EXPECT_EQ(latest(), (Names{"1:1", "1:2", "1:3"}));
    EXPECT_EQ(whole_since(), 51u);
}

TEST_F(HistoryTableTest, BoundsTheBytesOfAChannelButHoldsTheNewestEntry) {
    limits_of_channel_ = {.size = 100, .bytes = 500, .ttl = 2min};
    put(entry(kA, 1, 100, 100));
    put(entry(kA, 2, 200, 100));
    EXPECT_EQ(table_.entries(), 2u);
    put(entry(kA, 3, 300, 100));
    EXPECT_EQ(latest(), (Names{"1:2", "1:3"}));
    put(entry(kA, 4, 400, 5000));
    EXPECT_EQ(latest(), (Names{"1:4"}));
    EXPECT_EQ(table_.evicted().by_bytes, 3u);
}

TEST_F(HistoryTableTest, BoundsTheBytesOfTheNodeByTheOldestPut) {
    // Three channels, and four entries of the five that follow.
    limits_.history_bytes = 8000;
    table_ = HistoryTable(limits_);
    put(entry(kA, 1, 900, 1000), "app/1");
    put(entry(kA, 2, 100, 1000), "app/2");
    put(entry(kA, 3, 950, 1000), "app/1");
    put(entry(kA, 4, 960, 1000), "app/1");
    EXPECT_EQ(table_.entries(), 4u);
    put(entry(kA, 5, 970, 1000), "app/3");
    EXPECT_EQ(latest("app/1"), (Names{"1:3", "1:4"})) << "put first, though not oldest";
    put(entry(kA, 6, 980, 1000), "app/3");
    EXPECT_TRUE(latest("app/2").empty());
    EXPECT_EQ(table_.evicted().by_node, 2u);
    EXPECT_LE(table_.bytes(), limits_.history_bytes);
    EXPECT_EQ(table_.channels(), 2u);
    EXPECT_EQ(whole_since("app/2"), 101u) << "the floor is remembered";
}

TEST_F(HistoryTableTest, BoundsTheMemoryOfChannelsWithoutEntries) {
    limits_.history_bytes = 10'000;
    table_ = HistoryTable(limits_);
    for (std::uint64_t n = 1; n <= 100; ++n) {
        put(entry(kA, n, 100 * n), "app/" + std::to_string(n));
        now_ += 2min;
        table_.on_deadline(now_);
        EXPECT_LE(table_.bytes(), limits_.history_bytes);
    }
    EXPECT_EQ(table_.entries(), 0u);
    EXPECT_GT(table_.bytes(), 5'000u) << "some are remembered";
    EXPECT_GT(whole_since("app/unheard"), 9'000u);
}

TEST_F(HistoryTableTest, EntriesEndWithTheirTime) {
    put(entry(kA, 1, 100));
    now_ += 1min;
    put(entry(kA, 2, 200));
    EXPECT_EQ(table_.next_deadline(), kStart + 2min);
    now_ = kStart + 2min;
    EXPECT_EQ(latest(), (Names{"1:2"})) << "before the entry is evicted, too";
    table_.on_deadline(now_);
    EXPECT_EQ(table_.entries(), 1u);
    EXPECT_EQ(whole_since(), 101u);
    EXPECT_EQ(table_.evicted().by_ttl, 1u);
    EXPECT_EQ(table_.next_deadline(), kStart + 3min);
    HistoryEntry old = entry(kA, 9, 900);
    old.until = now_;
    EXPECT_FALSE(put(std::move(old))) << "an entry that comes when its time is over";
    EXPECT_EQ(whole_since(), 901u) << "nobody can be given that entry";
}

TEST_F(HistoryTableTest, AnEntryThatEndsBehindOneOfLongerLifeIsNotGiven) {
    limits_of_channel_.ttl = 1h;
    put(entry(kA, 1, 100));
    limits_of_channel_.ttl = 1min;
    put(entry(kA, 2, 200));
    now_ += 1min;
    table_.on_deadline(now_);
    EXPECT_EQ(latest(), (Names{"1:1"}));
    EXPECT_EQ(whole_since(), 201u);
}

TEST_F(HistoryTableTest, WhatIsForgottenOfAChannelLeavesItsStamp) {
    put(entry(kA, 1, 100));
    now_ += 2min;
    table_.on_deadline(now_);
    EXPECT_EQ(table_.entries(), 0u);
    EXPECT_EQ(whole_since(), 101u);
    now_ += limits_.history_floors_for;
    table_.on_deadline(now_);
    EXPECT_EQ(table_.next_deadline(), std::nullopt);
    EXPECT_EQ(whole_since(), 101u);
    put(entry(kA, 2, 5100));
    EXPECT_EQ(whole_since("app/unheard"), 101u);
    EXPECT_EQ(whole_since(), 101u) << "a channel that is known again";
}

TEST_F(HistoryTableTest, ForgettingOneChannelSaysNothingAboutThoseThatAreKnown) {
    limits_.history_floors = 1;
    table_ = HistoryTable(limits_);
    put(entry(kA, 1, 100), "app/1");
    put(entry(kA, 2, 200), "app/2");
    now_ += 1min;
    put(entry(kA, 3, 300), "app/3");
    now_ += 1min;
    table_.on_deadline(now_);
    EXPECT_EQ(whole_since("app/3"), 1u);
    EXPECT_EQ(whole_since("app/2"), 201u) << "its floor is remembered";
    EXPECT_EQ(whole_since("app/1"), 101u);
    EXPECT_EQ(whole_since("app/unheard"), 101u);
}

TEST_F(HistoryTableTest, BeyondSixtyFourOriginsTheOldestFloorIsDropped) {
    limits_of_channel_.size = 1;
    for (std::uint64_t origin = 1; origin <= kMaxHistoryFloors + 1; ++origin) {
        put(entry(OriginId{origin}, 1, 100 * origin));
    }
    EXPECT_EQ(whole_since(), 100 * kMaxHistoryFloors + 1);
    put(entry(OriginId{1000}, 1, 80'000));
    EXPECT_EQ(whole_since(), 100 * (kMaxHistoryFloors + 1) + 1);
}

TEST_F(HistoryTableTest, TellsWhatTheChannelsOwnLimitsHaveEvicted) {
    // A channel, two of three entries, and a floor.
    limits_.history_bytes = 1700;
    table_ = HistoryTable(limits_);
    const auto upto = [this](OriginId of) {
        return table_.evicted_upto_us(now_, kChannel, [of](OriginId origin) { return origin == of; });
    };
    put(entry(kA, 1, 100, 100));
    put(entry(kB, 1, 200, 100));
    put(entry(kB, 2, 300, 100));
    EXPECT_EQ(table_.evicted().by_node, 1u);
    EXPECT_EQ(upto(kA), 100u);
    EXPECT_EQ(upto(kB), 0u) << "the node's limit, which others do not have";
    limits_of_channel_.size = 1;
    put(entry(kB, 3, 400, 100));
    EXPECT_EQ(upto(OriginId{9}), 300u) << "the channel's limit";
}

/// Random puts in random order: from the moment on that the table tells, every entry that was put is still given.
TEST_F(HistoryTableTest, NeverSaysThatNothingWasEvictedWhenSomethingWas) {
    Prng prng(7);
    std::size_t checked = 0;
    for (int round = 0; round < 300; ++round) {
        limits_ = {};
        limits_.history_bytes = 4000 + prng.below(4000);
        limits_.history_floors = prng.below(3);
        limits_.history_floors_for = 1min;
        table_ = HistoryTable(limits_);
        now_ = kStart;
        std::map<std::string, std::map<std::pair<OriginId, RecordNo>, std::uint64_t>> all;
        std::map<OriginId, std::uint64_t> last;
        std::map<OriginId, std::uint64_t> stamps;
        for (int step = 0; step < 60; ++step) {
            now_ += Duration{static_cast<Duration::rep>(prng.below(30'000'000'000))};
            const std::uint64_t clock_us = 100'000'000 + static_cast<std::uint64_t>((now_ - kStart) / 1us);
            limits_of_channel_ = {.size = 1 + prng.below(5), .bytes = 300 + prng.below(2000), .ttl = 1min};
            const std::string channel = "app/" + std::to_string(prng.below(3));
            const OriginId origin{1 + prng.below(3)};
            const RecordNo n{++last[origin]};
            // Late, too, but in order for each origin.
            std::uint64_t& stamp = stamps[origin];
            stamp = std::max(stamp + 1, clock_us - prng.below(60'000'000));
            all[channel][{origin, n}] = stamp;
            put(entry(origin, n.value, stamp, prng.below(200)), channel);
            table_.on_deadline(now_);
            for (const auto& [name, records] : all) {
                std::set<std::pair<OriginId, RecordNo>> held;
                for (const HistoryEntry* one : table_.page(now_, {.channel = name, .limit = 1000}).entries) {
                    EXPECT_TRUE(held.insert({one->stamp.origin, one->n}).second) << "twice";
                }
                for (const auto& [record, at] : records) {
                    if (at >= whole_since(name)) {
                        ++checked;
                        EXPECT_TRUE(held.contains(record)) << round << " " << name;
                    }
                }
            }
            EXPECT_LE(table_.bytes(), limits_.history_bytes);
        }
    }
    EXPECT_GT(checked, 10'000u);
}

}  // namespace
}  // namespace tulle::mesh::history_table_test
