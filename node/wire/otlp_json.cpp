#include "node/wire/otlp_json.hpp"

#include <cstdint>
#include <utility>
#include <variant>

#include <boost/json.hpp>

#include "mesh/base/overloaded.hpp"

namespace tulle::node {
namespace {

namespace json = boost::json;

// opentelemetry/proto/trace/v1/trace.proto, Status.StatusCode.
constexpr int kStatusError = 2;

json::object attribute(std::string_view key, const Span::Value& value) {
    json::object typed = std::visit(Overloaded{[](const std::string& text) {
                                                   return json::object{{"stringValue", text}};
                                               },
                                               [](std::int64_t number) {
                                                   return json::object{{"intValue", std::to_string(number)}};
                                               }},
                                    value);
    return {{"key", key}, {"value", std::move(typed)}};
}

json::object span_json(const Span& span) {
    json::array attributes;
    for (const auto& [key, value] : span.attributes) {
        attributes.push_back(attribute(key, value));
    }
    json::object object{{"traceId", to_hex(span.context.trace)},
                        {"spanId", to_hex(span.context.span)},
                        {"parentSpanId", to_hex(span.parent)},
                        {"name", span.name},
                        {"kind", static_cast<int>(span.kind)},
                        {"startTimeUnixNano", std::to_string(span.begun_ns)},
                        {"endTimeUnixNano", std::to_string(span.ended_ns)},
                        {"attributes", std::move(attributes)}};
    if (span.is_failed) {
        object["status"] = json::object{{"code", kStatusError}};
    }
    return object;
}

}  // namespace

std::string otlp_json(const std::vector<Span>& spans, std::string_view node, std::string_view version) {
    json::array list;
    list.reserve(spans.size());
    for (const Span& span : spans) {
        list.push_back(span_json(span));
    }
    json::array resource{attribute("service.name", "tulle"), attribute("service.instance.id", std::string(node)),
                         attribute("service.version", std::string(version))};
    json::object scope{{"scope", json::object{{"name", "tulle"}, {"version", version}}}, {"spans", std::move(list)}};
    json::object of_resource{{"resource", json::object{{"attributes", std::move(resource)}}},
                             {"scopeSpans", json::array{std::move(scope)}}};
    return json::serialize(json::object{{"resourceSpans", json::array{std::move(of_resource)}}});
}

}  // namespace tulle::node
