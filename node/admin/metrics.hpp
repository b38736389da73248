#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mesh/core/node/port.hpp"
#include "node/admin/admin_counters.hpp"
#include "node/admin/redis_view.hpp"
#include "node/admin/reload_counters.hpp"
#include "node/admin/status_json.hpp"
#include "node/core/drain_state.hpp"
#include "node/edge/shard_counters.hpp"

namespace tulle::node {

/// The node's metrics in the text format of Prometheus: the counters of the shards added up, the counters of `reloads`
/// and `admin`, those of the realms of `redis`, if there are any, and the hub's. `status` is null while the hub does
/// not answer; the metrics of the mesh are missing then. `drain` is shown by its number.
[[nodiscard]] std::string render_metrics(const std::vector<const ShardCounters*>& shards, const ReloadCounters& reloads,
                                         const AdminCounters& admin, const std::optional<RedisView>& redis,
                                         const mesh::NodeStatus* status, DrainState drain = DrainState::kServing);

/// The JSON of /v1/status: the status of the mesh, with the shards' counters added up, `redis`, if there is any, and
/// the facts of the node.
[[nodiscard]] std::string render_status(const mesh::NodeStatus& status, const std::vector<const ShardCounters*>& shards,
                                        const std::optional<RedisView>& redis, const NodeFacts& facts = {});

}  // namespace tulle::node
