#include "node/edge/event_log.hpp"

#include <string>

#include "mesh/base/utf8.hpp"

#include <gtest/gtest.h>

namespace tulle::node::event_log_test {
namespace {

TEST(EventLog, GivesEventsInTheirOrderFromANumberOn) {
    EventLog log;
    EXPECT_EQ(log.read(0, 10, std::nullopt).next, 0u);
    log.add(EventKind::kDead, "n2 is dead");
    log.add(EventKind::kLeft, "n3 has left");
    log.add(EventKind::kDead, "n4 is dead");
    const EventLog::Page first = log.read(0, 2, std::nullopt);
    ASSERT_EQ(first.events.size(), 2u);
    EXPECT_EQ(first.events[1].text, "n3 has left");
    EXPECT_EQ(first.next, 2u);
    const EventLog::Page rest = log.read(first.next, 2, std::nullopt);
    ASSERT_EQ(rest.events.size(), 1u);
    EXPECT_EQ(rest.events[0].seq, 3u);
    EXPECT_EQ(rest.next, 3u);
    EXPECT_TRUE(log.read(rest.next, 2, std::nullopt).events.empty());
}

TEST(EventLog, HoldsUtf8WhateverAStrangerHasSent) {
    EventLog log;
    log.add(EventKind::kClient, "refused /a\xFF\xC3z");
    log.add(EventKind::kClient, std::string(EventLog::kTextBytes - 1, 'a') + "\xC3\xBC");
    const std::vector<NodeEvent> events = log.latest(2, std::nullopt);
    EXPECT_EQ(events.at(0).text, "refused /a??z");
    EXPECT_EQ(events.at(1).text, std::string(EventLog::kTextBytes - 1, 'a'));
}

TEST(EventLog, KeepsRoomForOtherKindsHoweverLongOneGoesOn) {
    EventLog log;
    const Instant start = monotonic_now();
    log.add(EventKind::kDead, "n2 is dead", start);
    // As many as a minute allows, for minutes enough to fill the log.
    for (std::uint32_t minute = 0; minute < 6; ++minute) {
        for (std::uint32_t i = 0; i < EventLog::kEventsPerKind; ++i) {
            log.add(EventKind::kClient, "refused", start + minute * EventLog::kSpan);
        }
    }
    const EventLog::Page page = log.read(0, EventLog::kEvents, std::nullopt);
    ASSERT_EQ(page.events.size(), EventLog::kEventsPerKind + 1u);
    EXPECT_EQ(page.events.front().text, "n2 is dead");
    EXPECT_EQ(page.lost, 5u * EventLog::kEventsPerKind);
    EXPECT_EQ(log.read(page.next, 1, std::nullopt).lost, 0u);
}

TEST(EventLog, GivesTheLatestEvents) {
    EventLog log;
    EXPECT_TRUE(log.latest(5, std::nullopt).empty());
    log.add(EventKind::kDead, "n2 is dead");
    log.add(EventKind::kLeft, "n3 has left");
    log.add(EventKind::kDead, "n4 is dead");
    const std::vector<NodeEvent> two = log.latest(2, std::nullopt);
    ASSERT_EQ(two.size(), 2u);
    EXPECT_EQ(two[0].seq, 2u);
    EXPECT_EQ(two[1].seq, 3u);
    const std::vector<NodeEvent> dead = log.latest(5, EventKind::kDead);
    ASSERT_EQ(dead.size(), 2u);
    EXPECT_EQ(dead[0].text, "n2 is dead");
}

TEST(EventLog, AKindThatIsAskedForDoesNotHideWhereToGoOn) {
    EventLog log;
    log.add(EventKind::kDead, "n2 is dead");
    log.add(EventKind::kLeft, "n3 has left");
    log.add(EventKind::kLeft, "n4 has left");
    const EventLog::Page left = log.read(0, 1, EventKind::kLeft);
    ASSERT_EQ(left.events.size(), 1u);
    EXPECT_EQ(left.next, 2u);
    EXPECT_EQ(log.read(0, 10, EventKind::kDead).next, 3u) << "nothing of the kind stands behind";
    EXPECT_EQ(log.read(99, 10, std::nullopt).events.size(), 3u) << "a number of another process";
}

TEST(EventLog, ForgetsTheOldestAndSaysHowManyAreLost) {
    EventLog log;
    // Kinds take turns, as one kind alone may not fill the log.
    for (std::size_t i = 0; i < EventLog::kEvents + 100; ++i) {
        log.add(static_cast<EventKind>(i % kEventKindNames.size()), std::to_string(i));
    }
    const EventLog::Page page = log.read(0, 1, std::nullopt);
    EXPECT_EQ(page.lost, 100u);
    ASSERT_EQ(page.events.size(), 1u);
    EXPECT_EQ(page.events[0].text, "100");
    EXPECT_EQ(log.read(100, 1, std::nullopt).lost, 0u);
}

TEST(EventLog, AFloodOfOneKindLeavesTheOthers) {
    EventLog log;
    log.add(EventKind::kDead, "n2 is dead");
    for (std::size_t i = 0; i < EventLog::kEvents * 2; ++i) {
        log.add(EventKind::kLimit, "refused");
    }
    EXPECT_EQ(log.read(0, EventLog::kEvents, std::nullopt).events.size(), EventLog::kEventsPerKind + 1u);
}

TEST(EventLog, CutsALongTextBetweenCharacters) {
    EventLog log;
    std::string text;
    while (text.size() < EventLog::kTextBytes + 10) {
        text += "€";
    }
    log.add(EventKind::kOther, text);
    const EventLog::Page page = log.read(0, 1, std::nullopt);
    EXPECT_TRUE(is_utf8(page.events[0].text));
    EXPECT_GT(page.events[0].text.size(), EventLog::kTextBytes - 4);
    EXPECT_LE(page.events[0].text.size(), EventLog::kTextBytes);
}

TEST(EventLog, WakesOnlyWhileSomebodyFollows) {
    EventLog log;
    int wakes = 0;
    log.on_add([&wakes] { ++wakes; });
    log.add(EventKind::kOther, "a");
    EXPECT_EQ(wakes, 0);
    log.set_followed(true);
    log.add(EventKind::kOther, "b");
    EXPECT_EQ(wakes, 1);
}

}  // namespace
}  // namespace tulle::node::event_log_test
