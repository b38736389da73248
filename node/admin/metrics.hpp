#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mesh/core/node/port.hpp"
#include "node/admin/admin_counters.hpp"
#include "node/admin/app_labels.hpp"
#include "node/admin/redis_view.hpp"
#include "node/admin/reload_counters.hpp"
#include "node/admin/shard_metrics.hpp"
#include "node/admin/status_json.hpp"
#include "node/core/drain_state.hpp"

namespace tulle::node {

/// Where the numbers of the metrics come from.
struct MetricSources {
    const ShardParts& shards;
    const ReloadCounters& reloads;
    const AdminCounters& admin;
    /// Nothing for a node without clients of Redis.
    const std::optional<RedisView>& redis;
    DrainState drain = DrainState::kServing;
};

/// The node's metrics in the text format of Prometheus: the counters of `sources`, those of the shards added up; the
/// numbers of `apps`; those of the process; and the hub's. `status` is null while the hub does not answer; the metrics
/// of the mesh are missing then.
[[nodiscard]] std::string render_metrics(const MetricSources& sources, const std::vector<AppLabels::Line>& apps,
                                         const mesh::NodeStatus* status);

/// The JSON of /v1/status: the status of the mesh, with the shards' counters added up, `redis`, if there is any, and
/// the facts of the node.
[[nodiscard]] std::string render_status(const mesh::NodeStatus& status, const ShardParts& shards,
                                        const std::optional<RedisView>& redis, const NodeFacts& facts = {});

}  // namespace tulle::node
