#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "node/edge/shard_counters.hpp"

namespace tulle::node {

/// The counters of the edges of a node that `tulle top` computes rates from, under the names in /metrics: sums over the
/// shards. They are few, because every answer of the doctor carries them for every node.
[[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> edge_counters(
    const std::vector<const ShardCounters*>& shards);

}  // namespace tulle::node
