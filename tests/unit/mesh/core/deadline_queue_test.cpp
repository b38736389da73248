#include "mesh/core/node/deadline_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "mesh/base/prng.hpp"

namespace tulle::mesh::deadline_queue_test {
namespace {

constexpr Instant kStart{10s};

std::vector<int> due(DeadlineQueue<int>& queue, Instant now) {
    std::vector<int> keys;
    queue.take_due(now, [&](int key) { keys.push_back(key); });
    return keys;
}

TEST(DeadlineQueue, GivesWhatIsDueOnce) {
    DeadlineQueue<int> queue;
    DeadlineQueue<int>::Place one;
    DeadlineQueue<int>::Place two;
    EXPECT_EQ(queue.earliest(), Instant::max());
    queue.set(1, one, kStart + 5ms);
    queue.set(2, two, kStart + 3ms);
    EXPECT_EQ(queue.earliest(), kStart + 3ms);
    EXPECT_TRUE(due(queue, kStart + 2ms).empty());
    EXPECT_EQ(due(queue, kStart + 5ms), (std::vector<int>{2, 1}));
    EXPECT_TRUE(due(queue, kStart + 9ms).empty());
    EXPECT_EQ(queue.earliest(), Instant::max());
}

TEST(DeadlineQueue, BelievesTheLastWordWhetherEarlierOrLater) {
    DeadlineQueue<int> queue;
    DeadlineQueue<int>::Place one;
    queue.set(1, one, kStart + 5ms);
    queue.set(1, one, kStart + 9ms);
    EXPECT_EQ(queue.earliest(), kStart + 9ms);
    queue.set(1, one, kStart + 20ms);
    EXPECT_TRUE(due(queue, kStart + 10ms).empty());
    queue.set(1, one, kStart + 2ms);
    EXPECT_EQ(queue.earliest(), kStart + 2ms);
    queue.remove(1, one);
    EXPECT_EQ(queue.earliest(), Instant::max());
}

TEST(DeadlineQueue, IsAsRightAsAskingAll) {
    Prng prng(7);
    DeadlineQueue<int> queue;
    std::array<DeadlineQueue<int>::Place, 16> places;
    std::array<Instant, 16> truth;
    truth.fill(Instant::max());
    Instant now = kStart;
    for (int i = 0; i < 20'000; ++i) {
        const std::size_t key = prng.below(16);
        truth[key] = now + std::chrono::milliseconds{1 + prng.below(50)};
        queue.set(static_cast<int>(key), places[key], truth[key]);
        if (prng.below(20) == 0) {
            const std::size_t gone = prng.below(16);
            queue.remove(static_cast<int>(gone), places[gone]);
            truth[gone] = Instant::max();
        }
        ASSERT_EQ(queue.earliest(), *std::min_element(truth.begin(), truth.end()));
        now += std::chrono::milliseconds{prng.below(5)};
        std::vector<int> found = due(queue, now);
        std::sort(found.begin(), found.end());
        std::vector<int> expected;
        for (std::size_t k = 0; k < truth.size(); ++k) {
            if (truth[k] <= now) {
                expected.push_back(static_cast<int>(k));
                truth[k] = Instant::max();
            }
        }
        ASSERT_EQ(found, expected);
    }
}

}  // namespace
}  // namespace tulle::mesh::deadline_queue_test
