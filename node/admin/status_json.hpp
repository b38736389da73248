#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "mesh/core/node/port.hpp"
#include "node/admin/redis_view.hpp"
#include "node/core/drain_state.hpp"

/// The admin listener's view of the mesh, as JSON.
namespace tulle::node {

/// A member as this node sees the member.
[[nodiscard]] boost::json::object to_json(const mesh::MemberStatus& member);
/// The node itself: as a member, with the node's interest, protocol versions and clocks.
[[nodiscard]] boost::json::object self_to_json(const mesh::NodeStatus& status);

/// The question of an admin listener to the admin listeners of all nodes, sent through mesh::Query.
inline constexpr std::string_view kReportQuery = R"({"report":"status"})";

/// The answer to kReportQuery: {"self":…,"members":[…],"ready":…,"counters":{…},"redis":{…}}, in parts of about
/// `part_bytes` at most, each with some of the members. Only the first part has the counters and, unless there is none,
/// `redis`. A part with a single large member, or the first part, may be larger.
[[nodiscard]] std::vector<std::string> render_report(const mesh::NodeStatus& status,
                                                     const std::optional<RedisView>& redis, std::size_t part_bytes,
                                                     DrainState drain = DrainState::kServing);

/// The JSON of /v1/doctor: the parts of all nodes, and the names of the nodes without an answer. A part that is no
/// report is left out.
[[nodiscard]] std::string render_doctor(const mesh::QueryResult& result);

/// The JSON of /v1/trace: a line for each node, for a marked message that was sent.
[[nodiscard]] std::string render_trace(const mesh::TraceResult& result, std::string_view app, std::string_view channel);

}  // namespace tulle::node
