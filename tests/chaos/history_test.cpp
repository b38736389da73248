#include "tools/chaos/history.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace tulle::chaos::history_test {
namespace {

Event full_event() {
    Event event;
    event.at = Instant(1'234'567us);
    event.kind = EventKind::kView;
    event.node = 3;
    event.other = 2;
    event.publisher = 4;
    event.subscription = 5;
    event.channel = 6;
    event.number = 7;
    event.text = "an \"oid\"";
    event.interest = "8:ff";
    event.members = {{1, "aa", "alive", "s1", "7:ee"}, {2, "bb", "dead", "", ""}};
    return event;
}

TEST(History, ALineComesBackAsTheEventThatItWas) {
    const auto parsed = parse_line(to_line(full_event()));
    ASSERT_FALSE(parsed.has_error());
    EXPECT_EQ(*parsed, full_event());
}

TEST(History, EveryKindHasANameOfItsOwn) {
    for (std::size_t i = 0; i < kEventKinds; ++i) {
        Event event;
        event.kind = static_cast<EventKind>(i);
        const auto parsed = parse_line(to_line(event));
        ASSERT_FALSE(parsed.has_error()) << i;
        EXPECT_EQ(parsed->kind, event.kind);
    }
}

TEST(History, LeavesOutWhatIsEmpty) {
    Event event;
    event.kind = EventKind::kGap;
    event.number = 2;
    EXPECT_EQ(to_line(event), R"({"t":0,"e":"gap","number":2})");
}

TEST(History, RefusesWhatIsNoEvent) {
    for (const char* line : {"", "{}", "[]", R"({"t":1})", R"({"t":1,"e":"nothing"})", R"({"t":"x","e":"gap"})",
                             R"({"t":1,"e":"gap","number":-1})", R"({"t":1,"e":"view","members":{}})"}) {
        EXPECT_TRUE(parse_line(line).has_error()) << line;
    }
}

TEST(History, IsSortedByTimeAndMayEndInTheMiddleOfALine) {
    std::istringstream in(
        "{\"t\":0,\"e\":\"run\",\"number\":3}\n{\"t\":9,\"e\":\"gap\"}\n{\"t\":5,\"e\":\"gap\"}\n{\"t\":10,\"e\"");
    const auto history = read_history(in);
    ASSERT_FALSE(history.has_error());
    ASSERT_EQ(history->size(), 3U);
    EXPECT_EQ((*history)[1].at, Instant(5us));
}

TEST(History, ABadLineInTheMiddleIsAnError) {
    std::istringstream in("{\"t\":0,\"e\":\"run\"}\nnonsense\n{\"t\":5,\"e\":\"gap\"}\n");
    EXPECT_TRUE(read_history(in).has_error());
}

TEST(History, MustBeginWithItsRun) {
    std::istringstream in("{\"t\":5,\"e\":\"gap\"}\n");
    EXPECT_TRUE(read_history(in).has_error());
}

}  // namespace
}  // namespace tulle::chaos::history_test
