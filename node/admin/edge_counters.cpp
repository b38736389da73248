#include "node/admin/edge_counters.hpp"

#include "node/admin/shard_metrics.hpp"

namespace tulle::node {

std::vector<std::pair<std::string, std::uint64_t>> edge_counters(const std::vector<const ShardCounters*>& shards) {
    const std::pair<const char*, Counter ShardCounters::*> kinds[] = {
        {"messages_received_total", &ShardCounters::messages_received_total},
        {"messages_sent_total", &ShardCounters::messages_sent_total},
        {"http_publishes_total", &ShardCounters::http_publishes_total},
        {"client_events_total", &ShardCounters::client_events_total},
        {"slow_clients_total", &ShardCounters::slow_clients_total},
        {"gaps_told_total", &ShardCounters::gaps_told_total},
    };
    std::vector<std::pair<std::string, std::uint64_t>> counters;
    for (const auto& [name, counter] : kinds) {
        counters.emplace_back(name, sum_of(shards, counter));
    }
    return counters;
}

}  // namespace tulle::node
