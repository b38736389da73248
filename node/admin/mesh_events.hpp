#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/event_kind.hpp"
#include "mesh/core/node/port.hpp"
#include "node/admin/admin_parameters.hpp"
#include "node/edge/event_log.hpp"

/// What has just happened in the whole mesh: a question to the flight recorders of all nodes. Pure functions.
namespace tulle::node {

/// A question for the latest events.
struct MeshEventsQuery {
    /// The most events of each node, 1 to kMaxMeshEvents.
    std::size_t limit = 1;
    /// The only kind; nothing: all kinds.
    std::optional<EventKind> kind = {};
    friend bool operator==(const MeshEventsQuery&, const MeshEventsQuery&) = default;
};
[[nodiscard]] std::string encode(const MeshEventsQuery& query);
/// Nothing for any other question, and for a number out of its range.
[[nodiscard]] std::optional<MeshEventsQuery> decode_mesh_events_query(std::string_view text);

/// The events as the answer of `node`, in parts of at most `max_part` bytes, at least one. An event that is larger than
/// a part is left out, which no event of an EventLog is.
[[nodiscard]] std::vector<std::string> render_own_events(std::string_view node, const std::vector<NodeEvent>& events,
                                                         std::size_t max_part);

/// The JSON of /v1/events for the whole mesh: {"events":[{"node","seq","at_ms","kind","text"},…],"missing":[…]}, the
/// last `limit` events of all nodes by their clocks, the oldest first. What is no event is left out.
[[nodiscard]] std::string render_mesh_events(const mesh::QueryResult& result, std::size_t limit);

}  // namespace tulle::node
