#include <cstdint>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tools/cli/app_urls.hpp"
#include "tools/cli/status_table.hpp"
#include "tools/cli/terminal.hpp"
#include "tools/cli/up_plan.hpp"

namespace tulle::cli::text_test {
namespace {

constexpr const char* kStatus = R"({"self":{"name":"n2","oid":"02","state":"alive",
  "endpoints":{"mesh":"127.0.0.1:7011","mesh_data":"127.0.0.1:7012","listen":"127.0.0.1:6002"},
  "version":"0.1.0","uptime_s":59,"clients":3,"channels":1,"rtt_us":0,"gaps":0,"repaired":0,"name_conflict":false},
 "members":[
  {"name":"n3","oid":"03","state":"suspect","uptime_s":3661,"rtt_us":1500,"gaps":2,"repaired":1,"name_conflict":true},
  {"name":"n2","oid":"02","state":"alive"},
  {"name":"n1","oid":"01","state":"alive","rtt_us":240}],
 "ready":true,"counters":{},"gauges":{}})";

TEST(CliStatus, ShowsTheAskedNodeFirstAndTheOthersByName) {
    const auto rows = parse_status(kStatus);
    ASSERT_TRUE(rows.has_value());
    EXPECT_EQ(
        status_table(*rows),
        "NAME  STATE    MESH            LISTEN          VERSION  UPTIME  CLIENTS  CHANNELS  RTT    GAPS  REPAIRED\n"
        "n2 *  alive    127.0.0.1:7011  127.0.0.1:6002  0.1.0    59s     3        1         -      0     0\n"
        "n1    alive    -               -               -        -       -        -         240us  -     -\n"
        "n3    suspect  -               -               -        1h1m    -        -         1.5ms  2     1\n"
        "name conflict: another node is called n3 as well (this one is 03)\n");
}

TEST(CliStatus, TellsInOneLineWhatWentWrongAndWasPutRight) {
    EXPECT_EQ(counters_line(R"({"counters":{"mesh_gaps":3,"mesh_gaps_repaired":2,"mesh_records_gone":1,
                               "mesh_duplicates_dropped":4,"mesh_suspicions":5,"mesh_false_suspicions":6,"mesh_deaths":10,
                               "mesh_reconnects":7,"mesh_barrier_waits":8,"mesh_late_turns":9,"clients":1}})"),
              "Since it started: gaps 3, repaired 2, gone 1, duplicates dropped 4, suspicions 5, false suspicions 6, "
              "deaths 10, "
              "reconnects 7, barrier waits 8, late turns 9\n");
    EXPECT_EQ(counters_line(kStatus), "");
    EXPECT_EQ(counters_line("junk"), "");
}

TEST(CliStatus, CountsTheAskedNodeAndThoseThatItSeesAlive) {
    EXPECT_EQ(count_alive(*parse_status(kStatus)), 2u);
}

TEST(CliStatus, RefusesWhatIsNoStatus) {
    for (const char* text : {"", "[]", "{}", R"({"self":1,"members":[]})", R"({"self":{},"members":{}})",
                             R"({"self":{},"members":[1]})"}) {
        EXPECT_TRUE(parse_status(text).has_error()) << text;
    }
}

TEST(CliStatus, DoesNotLetANameSteerTheTerminal) {
    const auto rows = parse_status(R"({"self":{"name":"a\u001b[2J\nb"},"members":[]})");
    EXPECT_EQ(rows->front().name, "a\\x1b[2J\\nb");
}

TEST(CliTerminal, WritesControlCharactersAsText) {
    EXPECT_EQ(printable("a\tb\x7F\xC3\xA9"), "a\\tb\\x7f\xC3\xA9");
}

TEST(CliUrls, OneUrlServesWebSocketsAndHttp) {
    using Urls = std::vector<std::string>;
    EXPECT_EQ(with_scheme({"ws://h:1", "http://h"}, "http"), (Urls{"http://h:1", "http://h"}));
    EXPECT_EQ(with_scheme({"http://h:1", "https://h", "wss://h", "ftp://h", "h"}, "ws"),
              (Urls{"ws://h:1", "wss://h", "wss://h", "ftp://h", "h"}));
}

TEST(CliUpPlan, GivesTheDocumentedPortsForTheDocumentedBase) {
    EXPECT_EQ(planned_endpoints(std::uint16_t{6001}, 0),
              (Endpoints{"127.0.0.1:6001", "127.0.0.1:7001", "127.0.0.1:7002", "127.0.0.1:9601"}));
    EXPECT_EQ(planned_endpoints(std::uint16_t{6001}, 2),
              (Endpoints{"127.0.0.1:6003", "127.0.0.1:7021", "127.0.0.1:7022", "127.0.0.1:9603"}));
    EXPECT_EQ(planned_endpoints(std::nullopt, 2),
              (Endpoints{"127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"}));
}

TEST(CliUpPlan, RefusesABaseWhosePortsWouldNotFit) {
    EXPECT_TRUE(ports_fit(61'933, 3));
    EXPECT_FALSE(ports_fit(61'934, 3));
    EXPECT_FALSE(ports_fit(0, 3));
}

TEST(CliUpPlan, TellsANodeWhoItIsAndWhomToJoin) {
    UpOptions options;
    options.demo = true;
    options.log_level = "debug";
    const NodePlan plan{
        "n2", planned_endpoints(std::uint16_t{6001}, 1), {"127.0.0.1:7001", "127.0.0.1:7021"}, "/t/n2", 5};
    const std::vector<std::string> expected{"--name",
                                            "n2",
                                            "--cluster",
                                            "tulle",
                                            "--listen",
                                            "127.0.0.1:6002",
                                            "--mesh",
                                            "127.0.0.1:7011",
                                            "--mesh-data",
                                            "127.0.0.1:7012",
                                            "--admin",
                                            "127.0.0.1:9602",
                                            "--ports-file",
                                            "/t/n2",
                                            "--drain-grace",
                                            "0",
                                            "--drain-duration",
                                            "0",
                                            "--peers",
                                            "127.0.0.1:7001,127.0.0.1:7021",
                                            "--log-level",
                                            "debug",
                                            "--demo",
                                            "--demo-orders",
                                            "5"};
    EXPECT_EQ(tulled_arguments(options, plan), expected);
}

TEST(CliUpPlan, ReadsAPortsFileOnceItIsWhole) {
    const std::string path = testing::TempDir() + "tulle_cli_ports.json";
    EXPECT_EQ(read_ports_file(path), std::nullopt);
    std::ofstream(path) << R"({"listen":"127.0.0.1:1","mesh":"127.0.0.1:2","admin":"127.0.0.1:4"})";
    EXPECT_EQ(read_ports_file(path), std::nullopt);
    std::ofstream(path)
        << R"({"listen":"127.0.0.1:1","mesh":"127.0.0.1:2","mesh_data":"127.0.0.1:3","admin":"127.0.0.1:4"})";
    EXPECT_EQ(read_ports_file(path), (Endpoints{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:4"}));
    std::remove(path.c_str());
}

TEST(CliUpPlan, AnnouncesTheNodesForMachines) {
    EXPECT_EQ(announcement_json({{"n1", 7, {"h:1", "h:2", "h:3", "h:4"}}}, true),
              "{\"nodes\":[{\"name\":\"n1\",\"pid\":7,\"listen\":\"h:1\",\"mesh\":\"h:2\",\"mesh_data\":\"h:3\","
              "\"admin\":\"h:4\"}],\"demo\":\"http://h:1/\"}\n");
}

}  // namespace
}  // namespace tulle::cli::text_test
