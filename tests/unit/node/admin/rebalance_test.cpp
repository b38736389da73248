#include "node/admin/rebalance.hpp"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace tulle::node::rebalance_test {
namespace {

/// The mean over nodes, each with its clients, and true when it takes clients.
std::uint64_t mean(const std::vector<std::pair<std::uint64_t, bool>>& nodes) {
    mesh::QueryResult result;
    for (const auto& [clients, takes] : nodes) {
        result.parts.push_back(render_load("n", {clients, takes}));
    }
    return mean_of(parse_loads(result));
}

TEST(Rebalance, TakesTheMeanOfTheNodesThatTakeClients) {
    EXPECT_EQ(mean({{3'000, true}, {3'000, true}, {0, true}}), 2'000u);
    // A node that drains, joins or is full gets nobody, and its clients will come to the others.
    EXPECT_EQ(mean({{20, true}, {0, false}}), 20u);
    EXPECT_EQ(mean({{20, true}, {10, false}, {0, true}}), 15u);
    EXPECT_EQ(mean({{5, false}}), 0u);
    EXPECT_EQ(mean({}), 0u);
    EXPECT_EQ(mean({{1, true}, {0, true}}), 1u);
}

TEST(Rebalance, LeavesATenthAboveTheMeanAlone) {
    EXPECT_EQ(rebalance_moves(3'000, 2'000), 1'000u);
    EXPECT_EQ(rebalance_moves(110, 100), 0u);
    EXPECT_EQ(rebalance_moves(111, 100), 11u);
    EXPECT_EQ(rebalance_moves(1, 1), 0u);
    EXPECT_EQ(rebalance_moves(50, 0), 0u) << "no node takes clients";
}

TEST(Rebalance, TakesNoNumberOfAnotherNodeOnTrust) {
    mesh::QueryResult result;
    for (int i = 0; i < 100; ++i) {
        result.parts.emplace_back(R"({"load_of":"n","clients":18446744073709551615,"takes_clients":true})");
    }
    for (const std::string part :
         {"", "{}", "[]", "x", R"({"load_of":"n"})", R"({"load_of":1,"clients":"x","takes_clients":true})",
          R"({"load_of":"n","clients":1,"takes_clients":1})"}) {
        result.parts.push_back(part);
    }
    result.parts.emplace_back(R"({"load_of":"n","clients":-1,"takes_clients":true})");
    const std::vector<NodeLoad> loads = parse_loads(result);
    ASSERT_EQ(loads.size(), 101u);
    EXPECT_LE(mean_of(loads), std::uint64_t{1} << 32);
    EXPECT_EQ(loads.back().clients, 0u);
}

TEST(Rebalance, ReadsOnlyItsOwnQuestion) {
    EXPECT_EQ(parse_rebalance_query(rebalance_query({250, 1'000})), (RebalanceOrder{250, 1'000}));
    for (const std::string query :
         {"", "tulle.rebalance.v1 ", "tulle.rebalance.v1 1", "tulle.rebalance.v1 0 5", "tulle.rebalance.v1 10001 5",
          "tulle.rebalance.v1 1x 5", "tulle.rebalance.v1 1 5x", "tulle.rebalance.v1 1 -5",
          "tulle.rebalance.v1 1 99999999999", "tulle.rebalance.v2 1 5", "{\"report\":\"status\"}"}) {
        EXPECT_EQ(parse_rebalance_query(query), std::nullopt) << query;
    }
}

TEST(Rebalance, GathersTheAnswersOfAllNodes) {
    mesh::QueryResult result;
    result.parts = {render_rebalance_share("n1", {5, true}, 5, 0), "", "not JSON", "{}"};
    result.missing = {"n2"};
    EXPECT_EQ(render_rebalance(result), R"({"nodes":[{"name":"n1","clients":5,"mean":5,"moves":0}],"missing":["n2"]})");
}

}  // namespace
}  // namespace tulle::node::rebalance_test
