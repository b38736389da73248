#include "node/redis/core/receivers.hpp"

#include <limits>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "node/redis/core/limits.hpp"

namespace tulle::node::redis::receivers_test {
namespace {

constexpr OriginId kPeer{1};

/// Moves every change of `from` to `to`, as the node `peer`.
void tell(Receivers& from, Receivers& to, OriginId peer = kPeer) {
    while (std::optional<CountChange> change = from.take_change(kMaxToldBytes)) {
        change->node = peer;
        EXPECT_EQ(to.apply(*change), Receivers::Applied::kDone);
    }
}

TEST(Receivers, CountsSubscribersAndMatchingPatternsOfAllNodes) {
    Receivers here;
    Receivers there;
    (void)here.add(Kind::kChannel, "news");
    (void)here.add(Kind::kPattern, "n*");
    (void)there.add(Kind::kChannel, "news");
    (void)there.add(Kind::kChannel, "news");
    (void)there.add(Kind::kPattern, "*s");
    (void)there.add(Kind::kShardChannel, "news");
    tell(there, here);
    EXPECT_EQ(here.of_publish(Kind::kChannel, "news"), 5u);
    EXPECT_EQ(here.of_publish(Kind::kChannel, "bus"), 1u);
    EXPECT_EQ(here.of_publish(Kind::kShardChannel, "news"), 1u);
    EXPECT_EQ(here.here(Kind::kChannel, "news"), 1u);
    (void)there.remove(Kind::kChannel, "news");
    (void)there.remove(Kind::kPattern, "*s");
    tell(there, here);
    EXPECT_EQ(here.of_publish(Kind::kChannel, "news"), 3u);
    here.forget(kPeer);
    EXPECT_EQ(here.of_publish(Kind::kChannel, "news"), 2u);
}

TEST(Receivers, TellsAChangeOnceAndNothingOfWhatCameAndWent) {
    Receivers node;
    EXPECT_TRUE(node.add(Kind::kChannel, "a"));
    EXPECT_FALSE(node.add(Kind::kChannel, "a")) << "woken already";
    EXPECT_FALSE(node.add(Kind::kChannel, "b"));
    EXPECT_FALSE(node.remove(Kind::kChannel, "b"));
    const std::optional<CountChange> change = node.take_change(kMaxToldBytes);
    ASSERT_TRUE(change);
    EXPECT_EQ(change->from, 0u);
    EXPECT_EQ(change->to, 1u);
    EXPECT_EQ(change->counts, (std::vector<NameCount>{{Kind::kChannel, "a", 2}}));
    EXPECT_FALSE(node.take_change(kMaxToldBytes));
    EXPECT_TRUE(node.remove(Kind::kChannel, "a"));
}

TEST(Receivers, ReportsAMissingMessageAndTakesTheWholeTruthThen) {
    Receivers node;
    Receivers other;
    (void)node.add(Kind::kChannel, "a");
    (void)node.take_change(kMaxToldBytes);  // lost
    (void)node.add(Kind::kChannel, "b");
    std::optional<CountChange> change = node.take_change(kMaxToldBytes);
    ASSERT_TRUE(change);
    change->node = kPeer;
    EXPECT_EQ(other.apply(*change), Receivers::Applied::kMissing);
    EXPECT_EQ(other.of_publish(Kind::kChannel, "b"), 0u);
    CountChange all = node.told();
    all.node = kPeer;
    EXPECT_EQ(other.apply(all), Receivers::Applied::kDone);
    EXPECT_EQ(other.of_publish(Kind::kChannel, "a"), 1u);
    EXPECT_EQ(other.of_publish(Kind::kChannel, "b"), 1u);
    EXPECT_EQ(other.apply(*change), Receivers::Applied::kDone) << "overtaken by the whole truth";
    EXPECT_EQ(other.of_publish(Kind::kChannel, "b"), 1u);
}

TEST(Receivers, TellsOfALimitedNumberOfNames) {
    Receivers node;
    Receivers other;
    for (std::size_t i = 0; i < kMaxToldNames + 10; ++i) {
        (void)node.add(Kind::kChannel, std::to_string(i));
    }
    tell(node, other);
    std::size_t known = 0;
    for (std::size_t i = 0; i < kMaxToldNames + 10; ++i) {
        known += other.of_publish(Kind::kChannel, std::to_string(i));
    }
    EXPECT_EQ(known, kMaxToldNames);
    EXPECT_EQ(node.of_publish(Kind::kChannel, "4099"), 1u) << "its own are exact";
    EXPECT_EQ(node.told().counts.size(), kMaxToldNames);
    // When half of the told names are gone, the others are told after all.
    for (std::size_t i = 0; i < kMaxToldNames; ++i) {
        (void)node.remove(Kind::kChannel, std::to_string(i));
    }
    tell(node, other);
    (void)node.add(Kind::kChannel, "0");
    tell(node, other);
    EXPECT_EQ(other.of_publish(Kind::kChannel, "4099"), 1u);
    EXPECT_EQ(other.totals().channels, 11u);
}

TEST(Receivers, FindAMissingMessageByTheReminder) {
    Receivers node;
    Receivers other;
    (void)node.add(Kind::kChannel, "a");
    (void)node.take_change(kMaxToldBytes);  // lost, and nothing changes from here on
    CountChange reminder = node.reminder();
    reminder.node = kPeer;
    EXPECT_EQ(other.apply(reminder), Receivers::Applied::kMissing);
    CountChange all = node.told();
    all.node = kPeer;
    EXPECT_EQ(other.apply(all), Receivers::Applied::kDone);
    EXPECT_EQ(other.apply(reminder), Receivers::Applied::kDone);
    EXPECT_EQ(other.of_publish(Kind::kChannel, "a"), 1u);
}

TEST(Receivers, SurvivesNonsenseOfAPeer) {
    Receivers node;
    const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    EXPECT_EQ(node.apply({kPeer, 0, 1, {{Kind::kChannel, "a", most}}}), Receivers::Applied::kDone);
    EXPECT_EQ(node.apply({OriginId(2), 0, 1, {{Kind::kChannel, "a", most}}}), Receivers::Applied::kDone);
    EXPECT_LT(node.of_publish(Kind::kChannel, "a"), most);
    CountChange many{OriginId(3), 0, most, {}};
    for (std::size_t i = 0; i < 2 * kMaxToldNames; ++i) {
        many.counts.push_back({Kind::kChannel, "x" + std::to_string(i), 1});
    }
    EXPECT_EQ(node.apply(many), Receivers::Applied::kDone);
    EXPECT_EQ(node.of_publish(Kind::kChannel, "x" + std::to_string(2 * kMaxToldNames - 1)), 0u);
    for (std::uint64_t i = 10; i < 10 + 2 * kMaxCountedNodes; ++i) {
        (void)node.apply({OriginId(i), 0, 1, {}});
    }
    EXPECT_EQ(node.nodes(), kMaxCountedNodes);
}

}  // namespace
}  // namespace tulle::node::redis::receivers_test
