#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/result.hpp"

namespace tulle::cli {

/// One node as the asked one sees it. Numbers that the answer does not have are negative.
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
    bool self = false;
    bool name_conflict = false;
};

enum class StatusErrc { kNotStatus };

/// The rows of an answer of GET /v1/status: the asked node first, the others by name.
[[nodiscard]] Result<std::vector<MemberRow>, StatusErrc> parse_status(std::string_view json);

/// What went wrong and was put right since the asked node started, in one line; empty when the answer has no counters.
[[nodiscard]] std::string counters_line(std::string_view json);

/// The asked node counts, whatever its state is called.
[[nodiscard]] std::size_t count_alive(const std::vector<MemberRow>& rows);

/// For people: aligned columns, `*` at the asked node, a note under the table for each name conflict.
[[nodiscard]] std::string status_table(const std::vector<MemberRow>& rows);

}  // namespace tulle::cli
