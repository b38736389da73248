#pragma once

#include <string>
#include <vector>

#include "mesh/core/node/port.hpp"
#include "node/admin/admin_counters.hpp"
#include "node/admin/reload_counters.hpp"
#include "node/edge/shard_counters.hpp"

namespace tulle::node {

/// The node's metrics in the text format of Prometheus: the counters of the shards added up, the counters of `reloads`
/// and `admin`, and the hub's. `status` is null while the hub does not answer; the metrics of the mesh are missing
/// then.
[[nodiscard]] std::string render_metrics(const std::vector<const ShardCounters*>& shards, const ReloadCounters& reloads,
                                         const AdminCounters& admin, const mesh::NodeStatus* status);

/// The JSON of /v1/status: the status of the mesh, with the shards' counters added up.
[[nodiscard]] std::string render_status(const mesh::NodeStatus& status,
                                        const std::vector<const ShardCounters*>& shards);

}  // namespace tulle::node
