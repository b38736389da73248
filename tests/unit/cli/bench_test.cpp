#include <string>

#include <gtest/gtest.h>

#include "tools/cli/bench_text.hpp"

namespace tulle::cli::bench_test {
namespace {

/// 2 publishers to 3 subscribers, 10 messages in 2 s, all of them delivered after 1.5 ms.
BenchResult whole() {
    BenchResult result;
    result.connected.ready = 5;
    result.connected.took = 10ms;
    result.connected.latency.record(2ms);
    result.ran = true;
    result.run.sent = 10;
    result.run.expected = 30;
    result.run.tally.received = 30;
    result.run.took = 2s;
    for (int i = 0; i < 30; ++i) {
        result.latency.record(1'500us);
    }
    return result;
}

BenchOptions fanout() {
    BenchOptions options;
    options.subscribers = 3;
    options.publishers = 2;
    options.rate = 5;
    return options;
}

TEST(CliBench, SaysHowManyCameAndHowLate) {
    EXPECT_EQ(bench_text(fanout(), whole()),
              "fanout: 2 publishers (HTTP, 1 event a request) to 3 subscribers, 1 channel, 64 bytes, 5.0 messages/s, "
              "open loop\n"
              "  sent        10 messages in 2.00 s (5/s)\n"
              "  delivered   30 of 30 (15/s); none lost, duplicated or out of order\n"
              "  latency     p50 1.50 ms   p90 1.50 ms   p99 1.50 ms   p99.9 1.50 ms   max 1.50 ms\n"
              "              counted from when each message was due, sent late or not (no coordinated omission)\n"
              "  connected   5 in 0.01 s, 0 failed\n"
              "  subscribed  p50 2.00 ms   p90 2.00 ms   p99 2.00 ms   p99.9 2.00 ms   max 2.00 ms after connect()\n");
    EXPECT_EQ(bench_json(fanout(), whole()).at("trouble"), "");
}

TEST(CliBench, ShowsWhatAServerSaysWithoutItsControlCharacters) {
    BenchResult result = whole();
    result.run.tally.received = 28;
    result.run.complaints = {.count = 1, .first = "\x1b[2Jpusher:error"};
    const std::string text = bench_text(fanout(), result);
    EXPECT_NE(text.find("WRONG: 2 of 30 deliveries missing, 1 complaints, the first: \\x1b[2Jpusher:error\n"),
              std::string::npos)
        << text;
}

TEST(CliBench, TellsCpuAndMemoryOfEachProcess) {
    BenchOptions options;
    options.kind = BenchKind::kIdle;
    options.subscribers = 1'000;
    BenchResult result = whole();
    result.run.tally.received = result.run.expected = 0;
    result.run.cpu.by_pid[42] = 20ms;
    result.memory = {{.pid = 42, .before = 10'000'000, .after = 15'000'000}};
    EXPECT_NE(bench_text(options, result)
                  .find("  pid 42      CPU 1.0 % of a core; memory 15.0 MB, grown by 5.0 MB, 5.00 KB a connection"),
              std::string::npos)
        << bench_text(options, result);
}

TEST(CliBench, AdvisesWhatToConfigure) {
    const auto advice = [](const std::string& complaint, BenchOptions options = fanout()) {
        BenchResult result = whole();
        result.run.complaints = {.count = 1, .first = complaint};
        const std::vector<std::string> all = bench_advice(options, result);
        return all.empty() ? std::string() : all.front();
    };
    EXPECT_EQ(advice("something else"), "");
    EXPECT_NE(advice(R"(pusher:error: {"code":4301})").find("client_events_per_second = 0"), std::string::npos);
    EXPECT_NE(advice("a publish was answered with: HTTP/1.1 401 Unauthorized").find("--app-secret"), std::string::npos);
    EXPECT_NE(
        advice("a publish was answered with: HTTP/1.1 429 Too Many Requests").find("max_backend_events_per_second"),
        std::string::npos);
    BenchOptions batches = fanout();
    batches.http_batch = 50;
    EXPECT_NE(advice("a publish was answered with: HTTP/1.1 400 Bad Request", batches).find("max_event_batch_size"),
              std::string::npos);
}

TEST(CliBench, WarnsWhenItsOwnLimitIsWhatWasMeasured) {
    BenchResult result = whole();
    result.run.cpu.own = 1'700ms;
    EXPECT_TRUE(bench_advice(fanout(), result).empty());
    result.run.cpu.own = 1'950ms;
    EXPECT_EQ(bench_advice(fanout(), result).size(), 1U);
}

TEST(CliBench, NumbersAreReadable) {
    EXPECT_EQ(grouped(0), "0");
    EXPECT_EQ(grouped(999), "999");
    EXPECT_EQ(grouped(1'234'567), "1,234,567");
    EXPECT_EQ(readable(Duration(17)), "17 ns");
    EXPECT_EQ(readable(Duration(1'234)), "1.23 us");
    EXPECT_EQ(readable(45'678us), "45.7 ms");
    EXPECT_EQ(readable(999'900us), "1.00 s");
    EXPECT_EQ(readable(123s), "123 s");
}

}  // namespace
}  // namespace tulle::cli::bench_test
