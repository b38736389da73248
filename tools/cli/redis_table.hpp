#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "tools/cli/doctor_report.hpp"

/// What `tulle redis` and `tulle status` print of the clients of Redis.
namespace tulle::cli {

/// The asked node's clients of Redis in a line. Empty for a node without a Redis listener, and for a text that is no
/// answer of GET /v1/status.
[[nodiscard]] std::string redis_line(std::string_view status);

/// A table with a line for each realm and node, by realm, then by node. Below it, the nodes without a Redis listener.
[[nodiscard]] std::string redis_text(const MeshSample& sample, std::size_t width = 0);
/// {"nodes":[{"name":…,"listen":…,"realms":[{"name":…,"clients":…,"subscriptions":{…},…}]}],"missing":[NAME,…]}. A node
/// without a Redis listener has no "listen" and no "realms".
[[nodiscard]] std::string redis_json(const MeshSample& sample);

}  // namespace tulle::cli
