#include "tools/cli/drain_text.hpp"

#include <gtest/gtest.h>

namespace tulle::cli::drain_test {
namespace {

TEST(CliDrain, ReadsHowFarANodeIs) {
    const auto progress = parse_drain_progress(R"({"drain":"moving","gauges":{"clients":812}})");
    ASSERT_TRUE(progress.has_value());
    EXPECT_EQ(progress_line(*progress), "moving: 812 clients left\n");
    EXPECT_EQ(progress_line({"moving", 1}), "moving: 1 client left\n");
    EXPECT_EQ(progress_json(*progress), R"({"state":"moving","clients":812})");
    // A node of before there were drains, and other answers.
    EXPECT_FALSE(parse_drain_progress(R"({"gauges":{"clients":812}})").has_value());
    EXPECT_FALSE(parse_drain_progress("[]").has_value());
    EXPECT_FALSE(parse_drain_progress("<html>").has_value());
}

TEST(CliDrain, FindsANodeAmongTheReportsOfAll) {
    const std::string reports =
        R"({"reports":[{"self":{"oid":"1","name":"n1","clients":5},"drain":"serving","members":[]},)"
        R"({"self":{"oid":"2","name":"n2","clients":3},"drain":"moving","members":[]},)"
        R"({"self":{"oid":"3","name":"old","clients":3},"members":[]}],"missing":[]})";
    const auto progress = find_drain_progress(reports, "n2");
    ASSERT_TRUE(progress.has_value());
    EXPECT_EQ(progress_line(*progress), "moving: 3 clients left\n");
    EXPECT_FALSE(find_drain_progress(reports, "n3").has_value());
    EXPECT_FALSE(find_drain_progress(reports, "old").has_value());
    EXPECT_FALSE(find_drain_progress("[]", "n2").has_value());
}

TEST(CliDrain, ShowsTheSharesOfARebalance) {
    const auto report = parse_rebalance(
        R"({"nodes":[{"name":"n2","clients":0,"mean":50,"moves":0},{"name":"n1","clients":100,"mean":50,"moves":50}],"missing":["n3"]})");
    ASSERT_TRUE(report.has_value());
    EXPECT_EQ(report->missing, std::vector<std::string>{"n3"});
    EXPECT_EQ(rebalance_table(*report),
              "NAME  CLIENTS  MEAN  CLOSES\n"
              "n1    100      50    50\n"
              "n2    0        50    0\n");
    EXPECT_FALSE(parse_rebalance(R"({"nodes":3})").has_value());
    EXPECT_FALSE(parse_rebalance("").has_value());
}

}  // namespace
}  // namespace tulle::cli::drain_test
