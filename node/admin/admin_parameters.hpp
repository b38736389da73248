#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mesh/base/time.hpp"

namespace tulle::node {

/// How long doctor and trace wait for other nodes without `timeout_ms`: many round trips of a mesh.
inline constexpr std::uint64_t kDefaultAdminTimeoutMs = 2'000;
/// The longest wait. Stays below kHttpAnswerTimeout with the hub's patience added, so that the answer comes before the
/// HTTP connection is given up.
inline constexpr std::uint64_t kMaxAdminTimeoutMs = 10'000;

/// The query string of a question to the mesh. The texts are unchecked; a text is empty when absent.
struct AdminParameters {
    std::string app;
    std::string channel;
    /// The parameter `timeout_ms`, 1 to kMaxAdminTimeoutMs.
    Duration timeout{};
};

/// Reads a query string. Returns nothing when the string is malformed or repeats a parameter, or when the timeout is
/// out of its range. Other parameters are ignored.
[[nodiscard]] std::optional<AdminParameters> parse_admin_parameters(std::string_view query);

/// The parameter `node`, the name of a node; empty without the parameter. Returns nothing for a malformed query, for an
/// empty name, and for a name of more than kMaxOrderedNameBytes.
[[nodiscard]] std::optional<std::string> parse_node_parameter(std::string_view query);

/// The parameter `max` of an order to rebalance, in clients a second; kDefaultRebalanceRate without the parameter.
/// Returns nothing for a malformed query, and for a number out of 1 to kMaxRebalanceRate.
[[nodiscard]] std::optional<std::uint64_t> parse_rebalance_rate(std::string_view query);

}  // namespace tulle::node
