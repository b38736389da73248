#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/result.hpp"

namespace tulle::cli {

/// A node as the asked node sees the node. Numbers absent from the answer are negative.
struct MemberRow {
    std::string name;
    std::string oid;
    std::string state;
    std::string mesh;
    std::string listen;
    std::string version;
    double uptime_s = -1;
    double clients = -1;
    double channels = -1;
    double rtt_us = -1;
    double gaps = -1;
    double repaired = -1;
    /// True for the asked node.
    bool self = false;
    /// True when another node has the same name.
    bool name_conflict = false;
};

/// kNotStatus: the text is no answer of GET /v1/status.
enum class StatusErrc { kNotStatus };

/// Reads an answer of GET /v1/status: the asked node first, then the others by name.
[[nodiscard]] Result<std::vector<MemberRow>, StatusErrc> parse_status(std::string_view json);

/// The counters of faults and repairs since the asked node's start, in a single line. Empty when the answer has no
/// counters.
[[nodiscard]] std::string counters_line(std::string_view json);

/// The number of nodes that are alive. The asked node always counts, whatever its state is called.
[[nodiscard]] std::size_t count_alive(const std::vector<MemberRow>& rows);

/// The table for people: aligned columns, `*` at the asked node, and a note under the table for each name conflict.
[[nodiscard]] std::string status_table(const std::vector<MemberRow>& rows, std::size_t width = 0);

}  // namespace tulle::cli
