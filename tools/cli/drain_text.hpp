#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tulle::cli {

/// How far a node is in letting its clients go.
struct DrainProgress {
    /// As in node/core/drain_state.hpp.
    std::string state;
    std::uint64_t clients = 0;
};

/// Reads an answer of /v1/status; nothing for something else, and for a node that does not know how to drain.
[[nodiscard]] std::optional<DrainProgress> parse_drain_progress(std::string_view json);
/// The same for the node `name`, in an answer of /v1/doctor; nothing when the node has not answered.
[[nodiscard]] std::optional<DrainProgress> find_drain_progress(std::string_view json, std::string_view name);
/// "moving: 812 clients left\n".
[[nodiscard]] std::string progress_line(const DrainProgress& progress);
[[nodiscard]] std::string progress_json(const DrainProgress& progress);

/// A node's share in a rebalance.
struct RebalanceRow {
    std::string name;
    std::uint64_t clients = 0;
    std::uint64_t mean = 0;
    std::uint64_t moves = 0;
};
struct RebalanceReport {
    std::vector<RebalanceRow> rows;
    /// The names of the nodes without an answer.
    std::vector<std::string> missing;
};
/// Reads an answer of /v1/rebalance; nothing for something else. The nodes are sorted by name.
[[nodiscard]] std::optional<RebalanceReport> parse_rebalance(std::string_view json);
[[nodiscard]] std::string rebalance_table(const RebalanceReport& report);

}  // namespace tulle::cli
