#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/result.hpp"

namespace tulle::cli {

/// What has become of a marked message at one node.
struct TraceRow {
    std::string name;
    std::string state;
    std::string fate;  ///< origin, got, no-subscriber, interest-unknown, no-session or no-report
    std::string path;  ///< direct, relayed, repaired or filled-in
    std::string via;
    std::uint64_t shards = 0;
    std::int64_t reported_us = 0;
    std::optional<std::int64_t> received_us;  ///< by the receiver's clock, brought to the origin's
    std::uint64_t clock_error_us = 0;
};

enum class TraceErrc { kNotTrace };

/// The rows of an answer of POST /v1/trace, the origin first.
[[nodiscard]] Result<std::vector<TraceRow>, TraceErrc> parse_trace(std::string_view json);

/// Whether every node that it was due to has got it.
[[nodiscard]] bool is_complete(const std::vector<TraceRow>& rows);

/// For people: one line for each node, and what the times mean.
[[nodiscard]] std::string trace_table(const std::vector<TraceRow>& rows);

}  // namespace tulle::cli
