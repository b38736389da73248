#include "node/admin/mesh_events.hpp"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "mesh/base/assert.hpp"
#include "mesh/base/numbers.hpp"
#include "node/admin/event_json.hpp"
#include "node/admin/query_parts.hpp"

namespace tulle::node {
namespace {

namespace json = boost::json;

constexpr std::string_view kMeshEventsQuery = "tulle.events.v1 ";

/// An event of some node, with what decides about its place.
struct PlacedEvent {
    std::uint64_t at_ms = 0;
    std::string node;
    std::uint64_t seq = 0;
    json::object event;

    [[nodiscard]] bool is_before(const PlacedEvent& other) const {
        return std::tie(at_ms, node, seq) < std::tie(other.at_ms, other.node, other.seq);
    }
};

/// A number of a peer; 0 for anything else.
std::uint64_t number_of(const json::object& object, const char* key) {
    const json::value* value = object.if_contains(key);
    json::error_code no_number;
    const auto number = value == nullptr || !value->is_number() ? 0 : value->to_number<std::uint64_t>(no_number);
    return no_number ? 0 : number;
}

/// The event with the name of its node; nothing for what is no event.
std::optional<PlacedEvent> placed(const json::value& value, const json::string& node) {
    const json::object* given = value.if_object();
    const json::value* kind = given == nullptr ? nullptr : given->if_contains("kind");
    const json::value* text = given == nullptr ? nullptr : given->if_contains("text");
    if (kind == nullptr || !kind->is_string() || text == nullptr || !text->is_string()) {
        return std::nullopt;
    }
    PlacedEvent event{.at_ms = number_of(*given, "at_ms"),
                      .node = std::string(node.data(), node.size()),
                      .seq = number_of(*given, "seq"),
                      .event = {}};
    event.event = {{"node", node}, {"seq", event.seq}, {"at_ms", event.at_ms}, {"kind", *kind}, {"text", *text}};
    return event;
}

}  // namespace

std::string encode(const MeshEventsQuery& query) {
    TULLE_ASSERT(query.limit >= 1 && query.limit <= kMaxMeshEvents);
    return std::string(kMeshEventsQuery) + std::to_string(query.limit) +
           (query.kind ? " " + std::string(to_text(*query.kind)) : "");
}

std::optional<MeshEventsQuery> decode_mesh_events_query(std::string_view text) {
    if (!text.starts_with(kMeshEventsQuery)) {
        return std::nullopt;
    }
    text.remove_prefix(kMeshEventsQuery.size());
    const std::size_t space = text.find(' ');
    const auto limit = parse_number(text.substr(0, space), 1, kMaxMeshEvents);
    if (!limit) {
        return std::nullopt;
    }
    MeshEventsQuery query{static_cast<std::size_t>(*limit), std::nullopt};
    if (space != std::string_view::npos) {
        query.kind = event_kind_of(text.substr(space + 1));
        return query.kind ? std::optional(query) : std::nullopt;
    }
    return query;
}

std::vector<std::string> render_own_events(std::string_view node, const std::vector<NodeEvent>& events,
                                           std::size_t max_part) {
    const std::string head =
        R"({"events_of":)" + json::serialize(json::string(node.data(), node.size())) + R"(,"events":[)";
    constexpr std::string_view kTail = "]}";
    TULLE_ASSERT(head.size() + kTail.size() <= max_part);
    std::vector<std::string> parts{head};
    for (const NodeEvent& event : events) {
        const std::string row = json::serialize(to_json(event));
        // With a comma.
        const std::size_t more = 1 + row.size() + kTail.size();
        if (parts.back().size() > head.size() && parts.back().size() + more > max_part) {
            parts.back().append(kTail);
            parts.push_back(head);
        }
        if (parts.back().size() + more <= max_part) {
            parts.back().append(parts.back().size() > head.size() ? "," : "").append(row);
        }
    }
    parts.back().append(kTail);
    TULLE_ASSERT(parts.back().size() <= max_part);
    return parts;
}

std::string render_mesh_events(const mesh::QueryResult& result, std::size_t limit) {
    std::vector<PlacedEvent> events;
    for (const json::object& part : parts_with(result, "events_of")) {
        const json::string* node = part.at("events_of").if_string();
        const json::value* list = part.if_contains("events");
        if (node == nullptr || list == nullptr || !list->is_array()) {
            continue;
        }
        for (const json::value& value : list->get_array()) {
            if (std::optional<PlacedEvent> event = placed(value, *node)) {
                events.push_back(std::move(*event));
            }
        }
    }
    std::sort(events.begin(), events.end(), [](const PlacedEvent& a, const PlacedEvent& b) { return a.is_before(b); });
    json::array shown;
    for (std::size_t i = events.size() - std::min(events.size(), limit); i < events.size(); ++i) {
        shown.push_back(std::move(events[i].event));
    }
    return json::serialize(json::object{{"events", std::move(shown)}, {"missing", missing_names(result)}});
}

}  // namespace tulle::node
