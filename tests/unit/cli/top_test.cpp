#include "tools/cli/top_table.hpp"

#include <string>

#include <gtest/gtest.h>

namespace tulle::cli::top_test {
namespace {

/// The report of a node, in which every counter has the value `counter`.
std::string report(const std::string& oid, const std::string& name, std::int64_t monotonic_us, int counter) {
    const std::string number = std::to_string(counter);
    return R"({"self":{"oid":")" + oid + R"(","name":")" + name +
           R"(","uptime_s":61,"clients":5,"channels":2,"monotonic_us":)" + std::to_string(monotonic_us) +
           R"(},"ready":true,"drain":"serving","counters":{"messages_received_total":)" + number +
           R"(,"messages_sent_total":)" + number + R"(,"mesh_published":)" + number + R"(,"gaps_told_total":)" +
           number + R"(,"slow_clients_total":)" + number + "}}";
}

TopSample sample(const std::string& reports, const std::string& missing = "") {
    const auto parsed = parse_top(R"({"reports":[)" + reports + R"(],"missing":[)" + missing + "]}");
    EXPECT_TRUE(parsed.has_value());
    return parsed.value_or(TopSample{});
}

TEST(CliTop, ComputesRatesByTheClockOfEachNode) {
    const TopSample before = sample(report("01", "n1", 1'000'000, 100) + "," + report("02", "n2", 0, 50));
    // n1 was asked 2 s later by its own clock; n2 has started again and is another node.
    const TopSample now = sample(report("01", "n1", 3'000'000, 300) + "," + report("03", "n2", 0, 0), R"("n3")");
    EXPECT_EQ(top_nodes_text(before, now),
              "NODE  STATE    UPTIME  CLIENTS  CHANNELS  IN/S  OUT/S  PUBLISHES/S  GAPS      SLOW\n"
              "n1    serving  1m1s    5        2         100   100    100          300 +200  300 +200\n"
              "n2    serving  1m1s    5        2         -     -      -            0         0\n"
              "all   2                10                 100   100    100          300 +200  300 +200\n"
              "n3 does not answer\n");
}

TEST(CliTop, ShowsADashForWhatANodeDoesNotTell) {
    const TopSample now = sample(R"({"self":{"oid":"01","name":"n1"},"ready":false,"counters":{}})");
    EXPECT_EQ(top_nodes_text(now, now),
              "NODE  STATE      UPTIME  CLIENTS  CHANNELS  IN/S  OUT/S  PUBLISHES/S  GAPS  SLOW\n"
              "n1    not ready  -       -        -         -     -      -            -     -\n"
              "all   1                  -                  -     -      -            -     -\n");
    EXPECT_FALSE(parse_top("{}").has_value());
    EXPECT_FALSE(parse_top("<html>").has_value());
    EXPECT_EQ(rate_of(5, 3, 1), -1);
    EXPECT_EQ(rate_of(5, 7, 0), -1);
    EXPECT_EQ(rate_of(5, 7, 2), 1);
}

TEST(CliTop, TellsProgramsTheSame) {
    const TopSample before = sample(report("01", "n1", 0, 0));
    const TopSample now = sample(report("01", "n1", 2'000'000, 10));
    const std::string json = top_json(before, now, {ConnectionCells{.id = "1.2", .node = "n1"}});
    EXPECT_NE(json.find(R"("received_per_second":5E0)"), std::string::npos) << json;
    EXPECT_NE(json.find(R"("id":"1.2")"), std::string::npos);
    EXPECT_NE(json.find(R"("outbox":null)"), std::string::npos);
}

TEST(CliTop, FollowsItsKeys) {
    TopView view{"outbox", 10, std::chrono::milliseconds(1'000)};
    EXPECT_TRUE(follow_key('o', view));
    EXPECT_EQ(view.sort, "subscriptions");
    EXPECT_TRUE(follow_key('n', view));
    EXPECT_EQ(view.connections, 25u);
    EXPECT_TRUE(follow_key('d', view));
    EXPECT_EQ(view.delay, std::chrono::milliseconds(2'000));
    EXPECT_EQ(top_keys_line(view), "o: order (subscriptions)  n: connections (25)  d: delay (2s)  q: quit\n");
    // What was given on the command line need not be among the choices.
    view = {"newest", 7, std::chrono::milliseconds(300)};
    EXPECT_TRUE(follow_key('o', view) && follow_key('n', view) && follow_key('d', view) && follow_key('x', view));
    EXPECT_EQ(view.sort, "outbox");
    EXPECT_EQ(view.connections, 10u);
    EXPECT_EQ(view.delay, std::chrono::milliseconds(1'000));
    EXPECT_FALSE(follow_key('q', view));
    EXPECT_FALSE(follow_key('\x03', view));
}

TEST(CliTop, FitsTheScreen) {
    EXPECT_EQ(screen_of("abc\nde\n", 5, 2), "ab\x1b[K\r\nde\x1b[K");
    EXPECT_EQ(screen_of("1\n2\n3\n", 2, 9), "1\x1b[K\r\n2\x1b[K");
    // Characters are counted, and none is cut in two.
    EXPECT_EQ(screen_of("\xC3\xA4\xC3\xB6z\n", 1, 2), "\xC3\xA4\xC3\xB6\x1b[K");
    EXPECT_EQ(screen_of("", 3, 3), "");
}

}  // namespace
}  // namespace tulle::cli::top_test
