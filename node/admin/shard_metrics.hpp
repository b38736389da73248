#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "node/admin/metric_families.hpp"
#include "node/edge/shard_counters.hpp"

/// What the shards count, as metrics.
namespace tulle::node {

/// The counters of all shards, of the webhooks and of the memory watch.
using ShardParts = std::vector<const ShardCounters*>;

/// A counter of the shards. `name` is the name in the JSON of /v1/status; the metric has the prefix "tulle_".
struct ShardMetric {
    std::string_view name;
    std::string_view help;
    Counter ShardCounters::*counter;
    bool is_gauge = false;
};

/// All plain counters of ShardCounters.
[[nodiscard]] std::span<const ShardMetric> shard_metrics();
/// The sum of a counter over all parts. For a gauge of the node such as max_connections only a single part holds a
/// value.
[[nodiscard]] std::uint64_t sum_of(const ShardParts& shards, Counter ShardCounters::*counter);
/// Adds the metrics of the shards: counters, codes and histograms.
void add_shards(const ShardParts& shards, Families& out);

}  // namespace tulle::node
