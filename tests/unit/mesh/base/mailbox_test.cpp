#include "mesh/base/mailbox.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace tulle::mailbox_test {
namespace {

TEST(Mailbox, WakesOnlyWhenItTurnsFromEmptyToNotEmpty) {
    int wakes = 0;
    Mailbox<int> box(4, [&] { ++wakes; });
    EXPECT_EQ(box.try_push(1), Push::kAccepted);
    EXPECT_EQ(box.try_push(2), Push::kAccepted);
    EXPECT_EQ(wakes, 1);
    std::vector<int> out;
    box.take_all(out);
    EXPECT_EQ(out, (std::vector{1, 2}));
    EXPECT_EQ(box.try_push(3), Push::kAccepted);
    EXPECT_EQ(wakes, 2);
}

TEST(Mailbox, RefusesBeyondItsCapacityButTakesAnswers) {
    Mailbox<int> box(1, [] {});
    EXPECT_EQ(box.try_push(1), Push::kAccepted);
    EXPECT_FALSE(box.has_room());
    EXPECT_EQ(box.try_push(2), Push::kRefused);
    box.push_reserved(3);
    std::vector<int> out;
    box.take_all(out);
    EXPECT_EQ(out, (std::vector{1, 3}));
    EXPECT_TRUE(box.has_room());
}

TEST(Mailbox, TakesWhatHasClaimedAPlaceInOneStep) {
    int wakes = 0;
    Mailbox<int> box(3, [&] { ++wakes; });
    EXPECT_EQ(box.try_claim(), Push::kAccepted);
    EXPECT_EQ(box.try_claim(), Push::kAccepted);
    EXPECT_EQ(box.try_push(1), Push::kAccepted);
    EXPECT_EQ(box.try_push(9), Push::kRefused) << "claimed places count";
    std::vector<int> claimed{2, 3};
    box.push_claimed(claimed);
    EXPECT_TRUE(claimed.empty());
    EXPECT_EQ(wakes, 1);
    std::vector<int> out;
    box.take_all(out);
    EXPECT_EQ(out, (std::vector{1, 2, 3}));
    box.claim();
    claimed = {4};
    box.push_claimed(claimed);
    EXPECT_EQ(wakes, 2);
    EXPECT_TRUE(box.has_room());
    box.push_claimed(claimed);
    EXPECT_EQ(wakes, 2) << "nothing to push";
}

TEST(Mailbox, LosesNothingBetweenThreads) {
    Mailbox<int> box(1'000'000, [] {});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&box] {
            for (int i = 0; i < 10'000; ++i) {
                EXPECT_EQ(box.try_push(1), Push::kAccepted);
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    std::vector<int> out;
    box.take_all(out);
    EXPECT_EQ(out.size(), 40'000u);
}

}  // namespace
}  // namespace tulle::mailbox_test
