#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "node/core/span.hpp"

namespace tulle::node {

/// The body of a POST to /v1/traces of an OpenTelemetry collector: an ExportTraceServiceRequest in the JSON encoding of
/// OTLP 1.x (opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding": ids are hexadecimal texts, 64-bit numbers are
/// decimal texts, enumerations are numbers). `node`: the name of this node, and `version` that of its program.
[[nodiscard]] std::string otlp_json(const std::vector<Span>& spans, std::string_view node, std::string_view version);

}  // namespace tulle::node
