#include "node/redis/store/store_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace tulle::node::redis::store_table_test {
namespace {

constexpr std::uint64_t kNow = 1'000'000'000;

Stamp at(std::uint64_t time, std::uint64_t node = 1) {
    return {kNow + time, OriginId{node}};
}

Cell value(std::string text, Stamp written, std::uint64_t expires_us = 0) {
    return {.value = std::move(text), .written = written, .expires_us = expires_us, .expiry_written = written};
}

Cell deleted(Stamp written, std::uint64_t remembered_until_us = kNow + 1000) {
    return {.is_deleted = true, .written = written, .remembered_until_us = remembered_until_us};
}

Cell expiry(std::uint64_t expires_us, Stamp written) {
    return {.expires_us = expires_us, .expiry_written = written};
}

const std::string kKey = store_key(0, "k");

std::string found(const StoreTable& table, std::string_view key = kKey, std::uint64_t now_us = kNow) {
    const Cell* cell = table.find(now_us, key);
    return cell == nullptr ? "(none)" : cell->value;
}

TEST(StoreTable, TheWriteWithTheLatestStampWinsInWhateverOrderWritesArrive) {
    const std::vector<Cell> writes{value("a", at(1)), value("b", at(3)), deleted(at(2)), value("c", at(3, 2))};
    std::vector<std::size_t> order{0, 1, 2, 3};
    do {
        StoreTable table;
        for (const std::size_t i : order) {
            table.merge(kNow, kKey, writes[i]);
        }
        EXPECT_EQ(found(table), "c") << "the node breaks the tie";
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST(StoreTable, TablesThatHaveTakenInTheSameWritesHaveEqualDigests) {
    const std::vector<Cell> writes{value("a", at(1)), expiry(kNow + 50, at(4)), deleted(at(2)), value("c", at(3))};
    std::vector<std::size_t> order{0, 1, 2, 3};
    std::vector<std::uint64_t> roots;
    do {
        StoreTable table;
        // A change of the expiry alone means nothing without the value, so the value comes first.
        if (order.front() == 1) {
            continue;
        }
        for (const std::size_t i : order) {
            table.merge(kNow, kKey, writes[i]);
            EXPECT_FALSE(table.merge(kNow, kKey, writes[i])) << "a write that comes twice changes nothing";
        }
        roots.push_back(table.root());
    } while (std::next_permutation(order.begin(), order.end()));
    for (const std::uint64_t root : roots) {
        EXPECT_EQ(root, roots.front());
    }
}

TEST(StoreTable, ADeletionBeatsALaterExpiryAndYieldsToALaterValue) {
    StoreTable table;
    table.merge(kNow, kKey, value("a", at(1), kNow + 100));
    table.merge(kNow, kKey, deleted(at(2)));
    table.merge(kNow, kKey, expiry(kNow + 500, at(3)));
    EXPECT_EQ(found(table), "(none)");
    table.merge(kNow, kKey, value("old", at(1, 9)));
    EXPECT_EQ(found(table), "(none)") << "an older value does not come back";
    table.merge(kNow, kKey, value("b", at(4)));
    EXPECT_EQ(found(table), "b");
}

TEST(StoreTable, AnExpiredKeyIsNotFoundAndIsFreedLater) {
    StoreTable table;
    table.merge(kNow, kKey, value("a", at(1), kNow + 100));
    EXPECT_EQ(found(table, kKey, kNow + 99), "a");
    EXPECT_EQ(found(table, kKey, kNow + 100), "(none)");
    EXPECT_EQ(table.next_sweep_us(), kNow + 100);
    table.sweep(kNow + 99, 10);
    EXPECT_EQ(table.size(0), 1u);
    table.sweep(kNow + 100, 10);
    EXPECT_EQ(table.size(0), 0u);
    EXPECT_EQ(table.bytes(), 0u);
    EXPECT_EQ(table.root(), 0u);
}

TEST(StoreTable, ADeletedKeyIsRememberedForAWhile) {
    StoreTable table;
    table.merge(kNow, kKey, deleted(at(5), kNow + 100));
    EXPECT_EQ(table.deleted(), 1u);
    table.merge(kNow + 99, kKey, value("a", at(4)));
    EXPECT_EQ(found(table), "(none)");
    table.sweep(kNow + 100, 10);
    EXPECT_EQ(table.deleted(), 0u);
}

TEST(StoreTable, AnExpiredKeyIsRememberedUntilItsOlderValuesWouldHaveExpired) {
    StoreTable table;
    table.merge(kNow, kKey, value("old", at(1), kNow + 1000));
    table.merge(kNow, kKey, value("new", at(2), kNow + 100));
    table.sweep(kNow + 100, 10);
    EXPECT_EQ(table.size(0), 0u);
    EXPECT_EQ(table.deleted(), 1u);
    table.merge(kNow + 100, kKey, value("old", at(1), kNow + 1000));
    EXPECT_EQ(found(table, kKey, kNow + 100), "(none)");
    table.sweep(kNow + 1000, 10);
    EXPECT_EQ(table.bytes(), 0u);
    EXPECT_EQ(table.root(), 0u);
}

TEST(StoreTable, DeletedKeysTakeNoMoreMemoryThanTheirPart) {
    StoreTable table(10 * (kCellBytes + 4));
    for (int i = 0; i < 100; ++i) {
        const std::string key = store_key(0, "k" + std::to_string(i + 100));
        table.merge(kNow, key, deleted(at(1), kNow + 1000 + static_cast<std::uint64_t>(i)));
    }
    EXPECT_LE(table.deleted(), 10u);
    EXPECT_GE(table.forgotten(), 90u);
    EXPECT_NE(table.held(store_key(0, "k199")), nullptr) << "those that would be forgotten first are forgotten";
    EXPECT_EQ(table.held(store_key(0, "k100")), nullptr);
    EXPECT_EQ(table.live_bytes(), 0u);
}

TEST(StoreTable, AFlushRemovesWhatWasWrittenBeforeInItsDatabaseAlone) {
    StoreTable table;
    const std::string other = store_key(1, "k");
    table.merge(kNow, kKey, value("a", at(1)));
    table.merge(kNow, other, value("b", at(1)));
    EXPECT_TRUE(table.merge(Flush{0, at(5)}));
    EXPECT_FALSE(table.merge(Flush{0, at(4)}));
    EXPECT_EQ(found(table), "(none)");
    EXPECT_EQ(found(table, other), "b");
    EXPECT_FALSE(table.merge(kNow, kKey, value("late", at(3)))) << "a write from before the flush";
    EXPECT_TRUE(table.merge(kNow, kKey, value("new", at(6))));
    EXPECT_EQ(found(table), "new");
}

TEST(StoreTable, AScanVisitsEveryKeyThatStays) {
    StoreTable table;
    for (int i = 0; i < 5000; ++i) {
        table.merge(kNow, store_key(0, "k" + std::to_string(i)), value("v", at(1)));
    }
    table.merge(kNow, store_key(1, "other"), value("v", at(1)));
    std::vector<std::string> names;
    std::uint64_t cursor = 0;
    std::size_t steps = 0;
    do {
        cursor =
            table.scan(kNow, 0, cursor, 100, [&](std::string_view name, const Cell&) { names.emplace_back(name); });
        // Keys come and go meanwhile.
        table.merge(kNow, store_key(0, "new" + std::to_string(steps++)), value("v", at(2)));
    } while (cursor != 0);
    EXPECT_GT(steps, 20u);
    std::sort(names.begin(), names.end());
    EXPECT_EQ(std::unique(names.begin(), names.end()), names.end()) << "no key comes twice";
    EXPECT_EQ(std::count_if(names.begin(), names.end(), [](const std::string& name) { return name[0] == 'k'; }), 5000);
    EXPECT_EQ(std::count(names.begin(), names.end(), "other"), 0);
}

TEST(StoreTable, PagesTogetherHoldTheWantedBuckets) {
    StoreTable table;
    for (int i = 0; i < 3000; ++i) {
        table.merge(kNow, store_key(0, "k" + std::to_string(i)), value(std::string(100, 'x'), at(1)));
    }
    StoreTable copy;
    const std::vector<bool> all(kStoreBuckets, true);
    StoreTable::Place place;
    std::size_t pages = 0;
    for (bool is_last = false; !is_last; ++pages) {
        StoreTable::Page page = table.page(kNow, all, place, 10'000);
        EXPECT_FALSE(page.cells.empty());
        for (const KeyedCell& cell : page.cells) {
            EXPECT_TRUE(copy.merge(kNow, cell.key, cell.cell)) << "no cell comes twice";
        }
        place = page.next;
        is_last = page.is_last;
    }
    EXPECT_GT(pages, 30u);
    EXPECT_EQ(copy.root(), table.root());
    EXPECT_EQ(copy.digests(), table.digests());
    EXPECT_EQ(copy.bytes(), table.bytes());
}

TEST(StoreTable, APageWithACellThatIsTooLargeHoldsTheCellAlone) {
    StoreTable table;
    for (int i = 0; i < 10; ++i) {
        table.merge(kNow, store_key(0, "k" + std::to_string(i)), value(std::string(5000, 'x'), at(1)));
    }
    const StoreTable::Page page = table.page(kNow, std::vector<bool>(kStoreBuckets, true), {}, 100);
    EXPECT_EQ(page.cells.size(), 1u);
    EXPECT_FALSE(page.is_last);
}

}  // namespace
}  // namespace tulle::node::redis::store_table_test
