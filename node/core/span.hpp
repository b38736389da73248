#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "node/core/trace_context.hpp"

namespace tulle::node {

/// A piece of work of this node in a trace, as OpenTelemetry has spans.
struct Span {
    /// The numbers are those of OTLP (opentelemetry/proto/trace/v1/trace.proto, SpanKind).
    enum class Kind : std::uint8_t { kInternal = 1, kServer = 2, kConsumer = 5 };
    using Value = std::variant<std::string, std::int64_t>;

    /// The trace, and the span's own id.
    TraceContext context;
    /// The id of the span that has caused this span.
    std::array<std::uint8_t, 8> parent{};
    Kind kind = Kind::kServer;
    /// One of a few fixed texts.
    std::string_view name;
    /// Nanoseconds since the Unix epoch.
    std::uint64_t begun_ns = 0;
    std::uint64_t ended_ns = 0;
    bool is_failed = false;
    std::vector<std::pair<std::string_view, Value>> attributes;
};

}  // namespace tulle::node
