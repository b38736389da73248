#include "node/redis/store/sliding_window.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "mesh/base/prng.hpp"

namespace tulle::node::redis::sliding_window_test {
namespace {

constexpr std::uint64_t kWindowMs = 60'000;
constexpr std::uint64_t kStartMs = 1'770'000'000'000;
constexpr std::uint64_t kSlotMs = (kWindowMs + kWindowSlots - 1) / kWindowSlots;

SlidingWindow read_again(const SlidingWindow& window) {
    std::optional<SlidingWindow> read = SlidingWindow::read(window.packed());
    EXPECT_TRUE(read.has_value());
    return read ? *read : SlidingWindow();
}

std::string number(std::uint64_t value) {
    std::string bytes;
    for (int i = 0; i < 8; ++i) {
        bytes.push_back(static_cast<char>(value >> (8 * i) & 0xff));
    }
    return bytes;
}

/// A packed window with this number of slots and these numbers.
std::string packed_by_hand(std::uint64_t slots, const std::vector<std::uint64_t>& numbers) {
    std::string bytes = "\x01tullew1" + number(slots);
    for (const std::uint64_t value : numbers) {
        bytes += number(value);
    }
    return bytes;
}

/// A window that has slots and hits.
SlidingWindow large_window() {
    SlidingWindow window;
    for (std::uint64_t i = 0; i < 1000; ++i) {
        window.add(kStartMs + i * 50, "m" + std::to_string(i), kWindowMs);
    }
    return window;
}

TEST(SlidingWindow, APackedWindowIsTheSameOnEveryMachine) {
    SlidingWindow window;
    EXPECT_EQ(window.packed(), packed_by_hand(0, {}));
    window.add(kStartMs, "", kWindowMs);
    // The second number: FNV-1a's offset basis, mixed by SplitMix64.
    EXPECT_EQ(window.packed(), packed_by_hand(0, {kStartMs, 0xf52a15e9a9b5e89bULL}));
}

TEST(SlidingWindow, CountsExactlyWhileItHoldsEveryHit) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Prng random(seed);
        SlidingWindow window;
        std::map<std::string, std::uint64_t> hits;
        std::uint64_t now = kStartMs;
        for (int i = 0; i < 2000; ++i) {
            now += random.below(1000);
            const std::uint64_t begin = now - kWindowMs;
            window = read_again(window);
            window.forget_until(static_cast<std::int64_t>(begin));
            std::erase_if(hits, [&](const auto& hit) { return hit.second <= begin; });
            const std::string member = std::to_string(random.below(300));
            ASSERT_EQ(window.has(member), hits.contains(member));
            ASSERT_EQ(window.count(), static_cast<std::int64_t>(hits.size()));
            if (!window.has(member) && hits.size() < kMaxWindowHits) {
                // The clocks of callers differ.
                const std::uint64_t time = now + random.below(5000);
                window.add(time, member, kWindowMs);
                hits[member] = time;
            }
        }
    }
}

TEST(SlidingWindow, NeverExceedsALargeLimitAndUsesNearlyAllOfIt) {
    constexpr std::int64_t kLimit = 10'000;
    Prng random(1);
    SlidingWindow window;
    std::vector<std::uint64_t> admitted;
    // Of the last window of the trial.
    std::int64_t last = 0;
    for (std::uint64_t i = 0; i < 60'000; ++i) {
        const std::uint64_t now = kStartMs + i * 3;
        window = read_again(window);
        window.forget_until(static_cast<std::int64_t>(now - kWindowMs));
        const auto of_window = std::upper_bound(admitted.begin(), admitted.end(), now - kWindowMs);
        const std::int64_t count = admitted.end() - of_window;
        const auto of_slot_more = std::upper_bound(admitted.begin(), admitted.end(), now - kWindowMs - kSlotMs);
        ASSERT_GE(window.count(), count);
        ASSERT_LE(window.count(), admitted.end() - of_slot_more) << "a hit counts for more than a slot too long";
        if (window.count() < kLimit) {
            window.add(now, std::to_string(random.next()), kWindowMs);
            admitted.push_back(now);
            ASSERT_LE(window.packed().size(), kMaxWindowBytes);
        }
        last = count;
    }
    EXPECT_LE(last, kLimit);
    EXPECT_GE(last, kLimit - kLimit / 50);
}

TEST(SlidingWindow, ForgetsEverythingAWindowLater) {
    SlidingWindow window = large_window();
    EXPECT_EQ(window.count(), 1000);
    window.forget_until(-1);
    EXPECT_EQ(window.count(), 1000);
    window.forget_until(static_cast<std::int64_t>(kStartMs + 999 * 50));
    EXPECT_EQ(window.count(), 0);
    EXPECT_EQ(window.packed(), SlidingWindow().packed());
}

TEST(SlidingWindow, KnowsTheMembersOfTheLatestHits) {
    const SlidingWindow window = read_again(large_window());
    for (std::size_t i = 1000 - kKeptWindowHits; i < 1000; ++i) {
        EXPECT_TRUE(window.has("m" + std::to_string(i)));
    }
    EXPECT_FALSE(window.has("m0"));
    EXPECT_FALSE(window.has("m1000"));
}

TEST(SlidingWindow, StaysSmallWhateverTimesAndLengthsAreTold) {
    Prng random(2);
    SlidingWindow window;
    for (int i = 0; i < 5000; ++i) {
        const std::uint64_t time = random.chance(50) ? random.below(SlidingWindow::kLatestMs + 1) : kStartMs + 7;
        const std::uint64_t length = random.chance(50) ? 1 : std::uint64_t{1} << random.below(49);
        window.add(time, std::to_string(i), length);
        window = read_again(window);
        ASSERT_EQ(window.count(), i + 1);
        ASSERT_LE(window.packed().size(), kMaxWindowBytes);
    }
}

TEST(SlidingWindow, TellsHowFarItsLatestHitIsAhead) {
    SlidingWindow window;
    EXPECT_EQ(window.ahead_ms(kStartMs), 0u);
    window.add(kStartMs + 700, "a", kWindowMs);
    window.add(kStartMs, "b", kWindowMs);
    EXPECT_EQ(window.ahead_ms(kStartMs), 700u);
    EXPECT_EQ(window.ahead_ms(kStartMs + 700), 0u);
    EXPECT_EQ(window.ahead_ms(kStartMs + 701), 0u);
}

TEST(SlidingWindow, ReadsNoValueThatCannotBeAPackedWindow) {
    const std::uint64_t latest = SlidingWindow::kLatestMs;
    const std::uint64_t most = ~std::uint64_t{0};
    EXPECT_TRUE(SlidingWindow::read(packed_by_hand(1, {5, 9, latest, most})));
    for (const std::string& value : {
             std::string(),
             std::string("5"),
             std::string("\x01tullew1"),
             std::string("\x01tullew2") + number(0),
             packed_by_hand(0, {5}),
             packed_by_hand(0, {5, 6}) + "x",
             packed_by_hand(2, {5, 6}),
             packed_by_hand(most, {5, 6}),
             packed_by_hand(most / 16 + 2, {5, 6}),
             packed_by_hand(0, {latest + 1, 6}),
             packed_by_hand(1, {latest + 1, 6}),
             packed_by_hand(0, {6, 1, 5, 1}),
             packed_by_hand(2, {6, 1, 5, 1}),
             packed_by_hand(1, {5, 0}),
             packed_by_hand(1, {5, most}),
             packed_by_hand(1, {5, (std::uint64_t{1} << 40) + 1}),
             packed_by_hand(0, std::vector<std::uint64_t>(2 * kMaxWindowHits + 2, 1)),
             packed_by_hand(kMaxWindowSlots + 1, std::vector<std::uint64_t>(2 * kMaxWindowSlots + 2, 1)),
             packed_by_hand(kMaxWindowSlots, std::vector<std::uint64_t>(1'000'000, 1)),
         }) {
        EXPECT_FALSE(SlidingWindow::read(value)) << value.size();
    }
}

TEST(SlidingWindow, EveryValueIsEitherRefusedOrAWindow) {
    const std::string whole = large_window().packed();
    Prng random(3);
    int read = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string value = whole.substr(0, random.chance(50) ? whole.size() : random.below(whole.size() + 1));
        for (std::uint64_t flips = random.below(4); flips > 0 && !value.empty(); --flips) {
            char& byte = value[random.below(value.size())];
            byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1u << random.below(8)));
        }
        std::optional<SlidingWindow> window = SlidingWindow::read(value);
        if (!window) {
            continue;
        }
        ++read;
        ASSERT_EQ(window->packed(), value);
        const std::int64_t count = window->count();
        ASSERT_GE(count, 0);
        window->add(kStartMs, "new", kWindowMs);
        ASSERT_GE(window->count(), count);
        ASSERT_TRUE(SlidingWindow::read(window->packed()).has_value());
    }
    EXPECT_GT(read, 1000);
}

}  // namespace
}  // namespace tulle::node::redis::sliding_window_test
