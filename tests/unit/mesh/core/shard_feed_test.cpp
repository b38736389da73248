#include "mesh/core/node/shard_feed.hpp"

#include <gtest/gtest.h>

namespace tulle::mesh::shard_feed_test {
namespace {

RecordPtr record(const std::string& channel) {
    return std::make_shared<const Record>(Record{RecordNo{1}, {channel}, share(EventBody("e", "x")), {}});
}

TEST(ShardFeed, AnnouncesWhatAFullMailboxLostBeforeAnythingLater) {
    ShardMailbox box(2, [] {});
    ShardFeed feed(box);
    feed.deliver(record("a"));
    feed.deliver(record("a"));
    feed.deliver(record("b"));
    feed.deliver(record("b"));
    feed.answer(Readiness{true});  // answers are never lost
    EXPECT_EQ(feed.losses(), 2u);
    std::vector<ToShard> got;
    feed.flush();
    box.take_all(got);
    ASSERT_EQ(got.size(), 3u);
    feed.deliver(record("c"));
    feed.flush();
    box.take_all(got);
    ASSERT_EQ(got.size(), 2u);
    EXPECT_EQ(std::get<Gap>(got[0]).channel, "b");
    EXPECT_EQ(std::get<Gap>(got[0]).missing, 2u);
    EXPECT_EQ(std::get<Deliver>(got[1]).record->channels.front(), "c");
    EXPECT_FALSE(feed.lossy());
}

TEST(ShardFeed, LosesNothingOfAHostWhoseThreadCannotTakeItsMailMeanwhile) {
    ShardMailbox box(2, [] {});
    ShardFeed feed(box);
    feed.set_host();
    for (int i = 0; i < 1000; ++i) {
        feed.deliver(record("a"));
    }
    feed.flush();
    EXPECT_EQ(feed.losses(), 0u);
    std::vector<ToShard> got;
    box.take_all(got);
    EXPECT_EQ(got.size(), 1000u);
}

TEST(ShardFeed, HandsOverWhatATurnGatheredWithOneWakeUp) {
    int wakes = 0;
    ShardMailbox box(100, [&] { ++wakes; });
    ShardFeed feed(box);
    feed.deliver(record("a"));
    feed.answer(Readiness{true});
    feed.deliver(record("b"));
    EXPECT_EQ(wakes, 0);
    feed.flush();
    EXPECT_EQ(wakes, 1);
    std::vector<ToShard> got;
    box.take_all(got);
    EXPECT_EQ(got.size(), 3u);
}

TEST(ShardFeed, DoesNotLetALongTurnHoldBackAllOfIt) {
    ShardMailbox box(10'000, [] {});
    ShardFeed feed(box);
    for (std::size_t i = 0; i < ShardFeed::kMaxGathered; ++i) {
        feed.deliver(record("a"));
    }
    std::vector<ToShard> got;
    box.take_all(got);
    EXPECT_EQ(got.size(), ShardFeed::kMaxGathered);
}

}  // namespace
}  // namespace tulle::mesh::shard_feed_test
