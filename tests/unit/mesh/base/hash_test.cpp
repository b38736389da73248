#include "mesh/base/hash.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "mesh/base/prng.hpp"

namespace tulle::hash_test {
namespace {

constexpr std::uint64_t kMul = 0xc6a4a7935bd1e995ULL;  // of MurmurHash64A, which the C++ library uses

std::uint64_t inverse(std::uint64_t odd) {
    std::uint64_t x = odd;
    for (int i = 0; i < 6; ++i) {
        x *= 2 - odd * x;
    }
    return x;
}

std::uint64_t spread(std::uint64_t block) {
    const std::uint64_t product = block * kMul;
    return (product ^ (product >> 47)) * kMul;
}

/// The block that spread() makes `value` of.
std::uint64_t unspread(std::uint64_t value) {
    const std::uint64_t product = value * inverse(kMul);
    return (product ^ (product >> 47)) * inverse(kMul);
}

void append_block(std::string& name, std::uint64_t block) {
    for (unsigned shift = 0; shift < 64; shift += 8) {
        name.push_back(static_cast<char>((block >> shift) & 0xff));
    }
}

/// Names of 16 bytes that all collide under std::hash: whatever the first eight are, the other eight are chosen such
/// that the state after them is `end`.
std::vector<std::string> colliding_names(std::size_t count) {
    constexpr std::uint64_t kSeed = 0xc70f6907ULL;
    const std::uint64_t begin = kSeed ^ (16 * kMul);
    const std::uint64_t end = 4711;
    Prng prng(1);
    std::vector<std::string> names;
    while (names.size() < count) {
        const std::uint64_t first = prng.next();
        const std::uint64_t state = (begin ^ spread(first)) * kMul;
        append_block(names.emplace_back(), first);
        append_block(names.back(), unspread(state ^ end));
    }
    return names;
}

template <class Table>
std::size_t longest_bucket(const Table& table) {
    std::size_t longest = 0;
    for (std::size_t bucket = 0; bucket < table.bucket_count(); ++bucket) {
        longest = std::max(longest, table.bucket_size(bucket));
    }
    return longest;
}

/// Of 20,000 entries at random, in as many buckets or more, twelve in one have a chance of one in a hundred thousand.
constexpr std::size_t kNames = 20'000;
constexpr std::size_t kLongest = 12;

class HashTest : public testing::Test {
protected:
    void TearDown() override { set_hash_key({}); }
};

TEST_F(HashTest, IsSipHashUnderTheKey) {
    HashKey key{};
    std::string text;
    for (unsigned char i = 0; i < 16; ++i) {
        key[i] = i;
        text.push_back(static_cast<char>(i));
    }
    text.pop_back();
    set_hash_key(key);
    EXPECT_EQ(keyed_hash(text), 0xa129ca6149be45e5ULL) << "the example of SipHash's paper";
    set_hash_key({});
    EXPECT_NE(keyed_hash(text), 0xa129ca6149be45e5ULL);
}

TEST_F(HashTest, SpreadsNamesThatCollideUnderTheHashOfTheLibrary) {
    const std::vector<std::string> names = colliding_names(kNames);
    for (const std::string& name : names) {
        ASSERT_EQ(std::hash<std::string>{}(name), std::hash<std::string>{}(names.front()));
    }
    for (const HashKey& key : {HashKey{}, HashKey{77}}) {
        set_hash_key(key);
        StringMap<int> table;
        for (const std::string& name : names) {
            table.emplace(name, 0);
        }
        EXPECT_EQ(table.size(), kNames);
        EXPECT_LE(longest_bucket(table), kLongest);
    }
}

TEST_F(HashTest, SpreadsIdsThatDifferByTheNumberOfBuckets) {
    IdMap<int> sample;
    for (std::uint64_t id = 0; id < kNames; ++id) {
        sample.emplace(id, 0);
    }
    IdMap<int> table;
    for (std::uint64_t id = 0; id < kNames; ++id) {
        table.emplace(id * sample.bucket_count(), 0);
    }
    ASSERT_EQ(table.bucket_count(), sample.bucket_count());
    EXPECT_LE(longest_bucket(table), kLongest);
}

TEST_F(HashTest, FindsByAView) {
    StringMap<int> table{{"a", 1}};
    EXPECT_EQ(table.find(std::string_view("a"))->second, 1);
    EXPECT_EQ(table.find(std::string_view("b")), table.end());
}

}  // namespace
}  // namespace tulle::hash_test
