#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "mesh/core/node/port.hpp"
#include "node/admin/apps_view.hpp"
#include "node/admin/redis_view.hpp"
#include "node/core/drain_state.hpp"

/// The admin listener's view of the mesh, as JSON.
namespace tulle::node {

/// A member as this node sees the member.
[[nodiscard]] boost::json::object to_json(const mesh::MemberStatus& member);
/// The node itself: as a member, with the node's interest, protocol versions and clocks.
[[nodiscard]] boost::json::object self_to_json(const mesh::NodeStatus& status);

/// Endpoints of configured peers in the JSON of a node: those that are not met come first, and the others are counted.
inline constexpr std::size_t kMaxSeedsShown = 32;

/// What a node tells of itself beside the status of its hub.
struct NodeFacts {
    DrainState drain = DrainState::kServing;
    /// Why /ready says no (NodeLimits::why_not_ready); empty for a node that takes clients.
    std::string not_ready = {};
    /// Null: nothing is said of the apps.
    const AppsView* apps = nullptr;
    /// Counters of the edges, for a report beside the hub's counters.
    std::vector<std::pair<std::string, std::uint64_t>> counters = {};
};
/// Adds the facts to the answer of /v1/status, or to the first part of a report.
void add_facts(const NodeFacts& facts, boost::json::object& answer);

/// The question of an admin listener to the admin listeners of all nodes, sent through mesh::Query.
inline constexpr std::string_view kReportQuery = R"({"report":"status"})";
/// The same without the apps and the rules, for who asks each second.
inline constexpr std::string_view kBriefReportQuery = R"({"report":"brief"})";

/// The answer to kReportQuery: {"self":…,"members":[…],"ready":…,"counters":{…},"redis":{…}}, in parts of about
/// `part_bytes` at most, each with some of the members. Only the first part has the counters, the apps and, unless
/// there is none, `redis`. A part with a single large member, or the first part, may be larger.
[[nodiscard]] std::vector<std::string> render_report(const mesh::NodeStatus& status,
                                                     const std::optional<RedisView>& redis, std::size_t part_bytes,
                                                     const NodeFacts& facts = {});

/// The JSON of /v1/doctor: the parts of all nodes, and the names of the nodes without an answer. A part that is no
/// report is left out.
[[nodiscard]] std::string render_doctor(const mesh::QueryResult& result);

/// The JSON of /v1/trace: a line for each node, for a marked message that was sent.
[[nodiscard]] std::string render_trace(const mesh::TraceResult& result, std::string_view app, std::string_view channel);

}  // namespace tulle::node
