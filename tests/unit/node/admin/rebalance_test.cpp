#include "node/admin/rebalance.hpp"

#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace tulle::node::rebalance_test {
namespace {

mesh::NodeStatus status_of(std::uint64_t own, std::initializer_list<std::pair<std::string, std::uint64_t>> others) {
    mesh::NodeStatus status;
    status.self.name = "n1";
    status.self.clients = own;
    for (const auto& [state, clients] : others) {
        mesh::MemberStatus& member = status.members.emplace_back();
        member.state = state;
        member.clients = clients;
    }
    return status;
}

TEST(Rebalance, ClosesWhatIsAboveTheMeanOfTheLivingNodes) {
    EXPECT_EQ(rebalance_share(status_of(3'000, {{"alive", 3'000}, {"alive", 0}})).moves, 1'000u);
    EXPECT_EQ(rebalance_share(status_of(0, {{"alive", 3'000}, {"alive", 3'000}})).moves, 0u);
    // A dead node takes nobody.
    EXPECT_EQ(rebalance_share(status_of(3'000, {{"alive", 3'000}, {"dead", 0}, {"left", 0}})).moves, 0u);
    EXPECT_EQ(rebalance_share(status_of(50, {})).moves, 0u);
}

TEST(Rebalance, LeavesATenthAboveTheMeanAlone) {
    EXPECT_EQ(rebalance_share(status_of(110, {{"alive", 90}})).moves, 0u);
    EXPECT_EQ(rebalance_share(status_of(111, {{"alive", 89}})).moves, 11u);
    EXPECT_EQ(rebalance_share(status_of(1, {{"alive", 0}})).moves, 0u);
}

TEST(Rebalance, TakesNoNumberOfAnotherNodeOnTrust) {
    const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    EXPECT_EQ(rebalance_share(status_of(10, {{"alive", most}, {"alive", most}, {"alive", most}})).moves, 0u);
}

TEST(Rebalance, ReadsOnlyItsOwnQuestion) {
    EXPECT_EQ(parse_rebalance_query(rebalance_query(250)), 250u);
    for (const std::string query : {"", "tulle.rebalance.v1 ", "tulle.rebalance.v1 0", "tulle.rebalance.v1 10001",
                                    "tulle.rebalance.v1 1x", "tulle.rebalance.v2 1", "{\"report\":\"status\"}"}) {
        EXPECT_EQ(parse_rebalance_query(query), std::nullopt) << query;
    }
}

TEST(Rebalance, GathersTheAnswersOfAllNodes) {
    mesh::QueryResult result;
    result.parts = {render_rebalance_share(status_of(5, {}), {5, 5, 0}), "", "not JSON", "{}"};
    result.missing = {"n2"};
    EXPECT_EQ(render_rebalance(result), R"({"nodes":[{"name":"n1","clients":5,"mean":5,"moves":0}],"missing":["n2"]})");
}

}  // namespace
}  // namespace tulle::node::rebalance_test
