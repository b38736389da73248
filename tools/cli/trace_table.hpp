#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/result.hpp"

namespace tulle::cli {

/// The fate of a marked message at a single node.
struct TraceRow {
    std::string name;
    std::string state;
    /// origin, got, no-subscriber, interest-unknown, no-session or no-report.
    std::string fate;
    /// direct, relayed, repaired or filled-in.
    std::string path;
    /// The name of the node that has relayed or filled in; empty for none.
    std::string via;
    /// Shards of the node with subscribers of the channel.
    std::uint64_t shards = 0;
    /// Microseconds from the sending until the node's report was back at the origin.
    std::int64_t reported_us = 0;
    /// Microseconds from the sending until the node got the message, by the receiver's clock, converted to the origin's
    /// clock with an error of `clock_error_us`.
    std::optional<std::int64_t> received_us;
    std::uint64_t clock_error_us = 0;
};

/// kNotTrace: the text is no answer of POST /v1/trace.
enum class TraceErrc { kNotTrace };

/// Reads an answer of POST /v1/trace: the origin first.
[[nodiscard]] Result<std::vector<TraceRow>, TraceErrc> parse_trace(std::string_view json);

/// True when every node with interest has got the message. Nodes without subscribers and dead nodes are not missed.
[[nodiscard]] bool is_complete(const std::vector<TraceRow>& rows);

/// The table for people: a line for each node, and an explanation of the times.
[[nodiscard]] std::string trace_table(const std::vector<TraceRow>& rows, std::size_t width = 0);

}  // namespace tulle::cli
