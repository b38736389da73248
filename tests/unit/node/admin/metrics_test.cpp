#include "node/admin/metrics.hpp"

#include <string>

#include <gtest/gtest.h>

#include "node/admin/process_metrics.hpp"

/// The text of /metrics. That all of the text is well-formed: tests/integration/metrics.test.mjs.
namespace tulle::node::metrics_test {
namespace {

class MetricsTest : public ::testing::Test {
protected:
    [[nodiscard]] std::string text(const std::vector<AppLabels::Line>& apps = {},
                                   const mesh::NodeStatus* status = nullptr) const {
        return render_metrics({{&first_, &second_}, ReloadCounters{}, AdminCounters{}, std::nullopt}, apps, status);
    }
    static void expect_lines(const std::string& text, const std::vector<std::string>& lines) {
        for (const std::string& line : lines) {
            EXPECT_NE(text.find("\n" + line + "\n"), std::string::npos) << line;
        }
    }

    ShardCounters first_;
    ShardCounters second_;
};

TEST_F(MetricsTest, AHistogramIsTheSumOverTheShardsAndItsBucketsAreCumulative) {
    first_.delivery_local.observe(150us);
    second_.delivery_local.observe(150us);
    second_.delivery_local.observe(3ms);
    second_.delivery_local.observe(1min);
    expect_lines(text(), {"# TYPE tulle_delivery_seconds histogram", "tulle_delivery_seconds_count{path=\"local\"} 4",
                          "tulle_delivery_seconds_sum{path=\"local\"} 60.0033",
                          "tulle_delivery_seconds_bucket{path=\"local\",le=\"0.0001\"} 0",
                          "tulle_delivery_seconds_bucket{path=\"local\",le=\"0.0002\"} 2",
                          "tulle_delivery_seconds_bucket{path=\"local\",le=\"0.002\"} 2",
                          "tulle_delivery_seconds_bucket{path=\"local\",le=\"0.005\"} 3",
                          "tulle_delivery_seconds_bucket{path=\"local\",le=\"10\"} 3",
                          "tulle_delivery_seconds_bucket{path=\"local\",le=\"+Inf\"} 4",
                          "tulle_delivery_seconds_count{path=\"mesh\"} 0"});
}

TEST_F(MetricsTest, CodesAreLabels) {
    first_.closed.add(4200);
    second_.closed.add(4200);
    second_.closed.add(3999);
    first_.http_responses.add(503);
    expect_lines(text(),
                 {"tulle_connections_closed_total{code=\"4200\"} 2", "tulle_connections_closed_total{code=\"other\"} 1",
                  "tulle_connections_closed_total{code=\"1006\"} 0", "tulle_http_responses_total{status=\"503\"} 1",
                  "tulle_http_responses_total{status=\"other\"} 0"});
}

TEST_F(MetricsTest, AnAppIdCannotBreakALine) {
    expect_lines(text({{"a\"b\\c\nd", {1, 2, 3}}}), {"tulle_app_connections{app=\"a\\\"b\\\\c\\nd\"} 1"});
}

TEST_F(MetricsTest, PeersAndKeysAreShownAndAClockOnlyOnceItIsMeasured) {
    mesh::NodeStatus status;
    status.keys.ids = {"829002f2", "17"};
    status.members = {{.name = "n2", .oid = OriginId{2}, .state = "alive", .session = mesh::SessionStatus{}},
                      {.name = "n3", .oid = OriginId{3}, .state = "dead"}};
    status.members[0].session->clock_error_us = 250;
    const std::string all = text({}, &status);
    expect_lines(all, {"tulle_mesh_peer_up{peer=\"n2\",oid=\"0000000000000002\"} 1",
                       "tulle_mesh_peer_up{peer=\"n3\",oid=\"0000000000000003\"} 0",
                       "tulle_mesh_key_info{id=\"829002f2\",use=\"used\"} 1",
                       "tulle_mesh_key_info{id=\"17\",use=\"accepted\"} 1",
                       "tulle_mesh_peer_clock_error_seconds{peer=\"n2\",oid=\"0000000000000002\"} 0.00025"});
    EXPECT_EQ(all.find("clock_error_seconds{peer=\"n3\""), std::string::npos);
}

TEST(ProcessStatTest, AProgramMayBearAnyName) {
    const std::string fields =
        " S 1 2 2 0 -1 4194560 10 0 0 0 250 50 0 0 20 0 7 0 12345 999424 321 18446744073709551615";
    const std::optional<ProcessStat> expected = ProcessStat{300, 7, 12345, 999424, 321};
    EXPECT_EQ(read_process_stat("42 (tulled)" + fields), expected);
    EXPECT_EQ(read_process_stat("42 (a) b) (c 1 2 3" + std::string(")") + fields), expected);
    EXPECT_EQ(read_process_stat(""), std::nullopt);
    EXPECT_EQ(read_process_stat("42 (tulled) S 1 2"), std::nullopt);
}

TEST(ProcessMetricsTest, TellOfThisProcess) {
    Families families;
    add_process(families);
    std::map<std::string, double> values;
    for (const prometheus::MetricFamily& each : families) {
        const bool is_counter = each.type == prometheus::MetricType::Counter;
        values[each.name] = is_counter ? each.metric.front().counter.value : each.metric.front().gauge.value;
    }
    ASSERT_EQ(values.size(), 7u);
    EXPECT_GT(values["process_resident_memory_bytes"], 1'000'000);
    EXPECT_GE(values["process_virtual_memory_bytes"], values["process_resident_memory_bytes"]);
    EXPECT_GE(values["process_threads"], 1);
    EXPECT_GE(values["process_open_fds"], 3);
    EXPECT_GE(values["process_max_fds"], values["process_open_fds"]);
    EXPECT_GE(values["process_cpu_seconds_total"], 0);
    EXPECT_GT(values["process_start_time_seconds"], 1'600'000'000);
}

}  // namespace
}  // namespace tulle::node::metrics_test
