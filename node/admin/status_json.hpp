#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "mesh/core/node/port.hpp"

/// What the admin listener tells of the mesh, as JSON.
namespace tulle::node {

/// One member as this node sees it.
[[nodiscard]] boost::json::object to_json(const mesh::MemberStatus& member);
/// The node itself: as a member, with its own interest, protocol versions and clocks.
[[nodiscard]] boost::json::object self_to_json(const mesh::NodeStatus& status);

/// What an admin listener asks those of all nodes through Query.
inline constexpr std::string_view kReportQuery = R"({"report":"status"})";

/// The answer to kReportQuery: {"self":…,"members":[…],"ready":…,"counters":{…}} in one or more parts of about
/// `part_bytes` at most, each with some of the members. Only the first has the counters.
[[nodiscard]] std::vector<std::string> render_report(const mesh::NodeStatus& status, std::size_t part_bytes);

/// The JSON of /v1/doctor: the parts of all nodes, and who has not answered. What is no report is left out.
[[nodiscard]] std::string render_doctor(const mesh::QueryResult& result);

/// The JSON of /v1/trace.
[[nodiscard]] std::string render_trace(const mesh::TraceResult& result, std::string_view app, std::string_view channel);

}  // namespace tulle::node
