#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/core/node/port.hpp"

namespace tulle::node {

/// The most clients that a node may close in a second by an order to rebalance.
inline constexpr std::uint64_t kMaxRebalanceRate = 10'000;
/// The rate without a given one: a tenth of what a node takes in without effort.
inline constexpr std::uint64_t kDefaultRebalanceRate = 100;

/// The question to all nodes for their loads.
inline constexpr std::string_view kLoadQuery = "tulle.load.v1";
/// The load of a node.
struct NodeLoad {
    std::uint64_t clients = 0;
    /// True when load balancers may send clients to the node.
    bool takes_clients = false;
};
[[nodiscard]] std::string render_load(std::string_view name, const NodeLoad& load);
/// The loads in the answers to kLoadQuery.
[[nodiscard]] std::vector<NodeLoad> parse_loads(const mesh::QueryResult& result);
/// The mean load of the nodes that take clients, if all clients of the others came to them, rounded up. 0 when no node
/// takes clients.
[[nodiscard]] std::uint64_t mean_of(const std::vector<NodeLoad>& loads);

/// An order to all nodes: each with more than a tenth above `mean` closes what is above, `rate` clients a second.
struct RebalanceOrder {
    std::uint64_t rate = kDefaultRebalanceRate;
    /// 0: nobody closes clients.
    std::uint64_t mean = 0;
    friend bool operator==(const RebalanceOrder&, const RebalanceOrder&) = default;
};
[[nodiscard]] std::string rebalance_query(const RebalanceOrder& order);
/// The order in such a question; nothing for any other question, and for a rate out of 1 to kMaxRebalanceRate.
[[nodiscard]] std::optional<RebalanceOrder> parse_rebalance_query(std::string_view query);
/// The clients that a node with `clients` closes.
[[nodiscard]] std::uint64_t rebalance_moves(std::uint64_t clients, std::uint64_t mean);

/// The part of the node `name` of the answer.
[[nodiscard]] std::string render_rebalance_share(std::string_view name, const NodeLoad& load, std::uint64_t mean,
                                                 std::uint64_t moves);
/// The whole answer: {"nodes":[{"name","clients","mean","moves"},…],"missing":[…]}.
[[nodiscard]] std::string render_rebalance(const mesh::QueryResult& result);

}  // namespace tulle::node
