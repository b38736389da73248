#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mesh/core/node/node_status.hpp"
#include "mesh/core/node/port.hpp"

namespace tulle::node {

/// The most clients that a node may close in a second by an order to rebalance.
inline constexpr std::uint64_t kMaxRebalanceRate = 10'000;
/// The rate without a given one: a tenth of what a node takes in without effort.
inline constexpr std::uint64_t kDefaultRebalanceRate = 100;

/// A rate from 1 to kMaxRebalanceRate; nothing for any other text.
[[nodiscard]] std::optional<std::uint64_t> parse_rebalance_number(std::string_view text);

/// The question to all nodes of the mesh by which each node with more clients than the others closes some of them.
/// `rate`: clients a second and node.
[[nodiscard]] std::string rebalance_query(std::uint64_t rate);
/// The rate of such a question; nothing for any other question, and for a rate out of 1 to kMaxRebalanceRate.
[[nodiscard]] std::optional<std::uint64_t> parse_rebalance_query(std::string_view query);

/// What a node does about an order to rebalance.
struct RebalanceShare {
    std::uint64_t clients = 0;
    /// The mean over all nodes that are alive, rounded up.
    std::uint64_t mean = 0;
    /// The clients to close: none for a node with at most a tenth more than the mean, else what is above the mean.
    std::uint64_t moves = 0;
};
/// Computes the share from the numbers of clients that the nodes tell each other.
[[nodiscard]] RebalanceShare rebalance_share(const mesh::NodeStatus& status);

/// The node's part of the answer.
[[nodiscard]] std::string render_rebalance_share(const mesh::NodeStatus& status, const RebalanceShare& share);
/// The whole answer: {"nodes":[{"name","clients","mean","moves"},…],"missing":[…]}.
[[nodiscard]] std::string render_rebalance(const mesh::QueryResult& result);

}  // namespace tulle::node
