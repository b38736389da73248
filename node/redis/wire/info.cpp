#include "node/redis/wire/info.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <vector>

#include "node/redis/core/words.hpp"

namespace tulle::node::redis {
namespace {

using Lines = std::vector<std::pair<std::string_view, std::string>>;

Lines server_lines(const ServerFacts& facts) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(facts.uptime).count();
    return {{"redis_version", std::string(kRedisVersion)},
            {"redis_mode", "standalone"},
            {"tulle_version", facts.version},
            {"tulle_node", facts.node},
            {"process_id", std::to_string(facts.process_id)},
            {"tcp_port", std::to_string(facts.port)},
            {"uptime_in_seconds", std::to_string(seconds)},
            {"uptime_in_days", std::to_string(seconds / 86'400)}};
}

/// ioredis and node-redis 3 wait while `loading` is 1, and try again after `loading_eta_seconds`.
Lines persistence_lines(const ServerFacts& facts) {
    Lines lines{{"loading", facts.is_loading ? "1" : "0"}};
    if (facts.is_loading) {
        lines.emplace_back("loading_eta_seconds", "1");
    }
    return lines;
}

}  // namespace

std::string info_text(const ServerFacts& facts, std::span<const std::string_view> sections) {
    const std::array<std::pair<std::string_view, Lines>, 6> all{{
        {"Server", server_lines(facts)},
        {"Clients", {{"connected_clients", std::to_string(facts.clients)}}},
        {"Persistence", persistence_lines(facts)},
        {"Stats",
         {{"pubsub_channels", std::to_string(facts.channels)},
          {"pubsub_patterns", std::to_string(facts.patterns)},
          {"pubsubshard_channels", std::to_string(facts.shard_channels)}}},
        {"Replication", {{"role", "master"}, {"connected_slaves", "0"}}},
        {"Cluster", {{"cluster_enabled", "0"}}},
    }};
    const auto is_wanted = [&](std::string_view section) {
        return sections.empty() || std::any_of(sections.begin(), sections.end(), [&](std::string_view wanted) {
                   return is_word(wanted, lower_case(section)) || is_word(wanted, "all") ||
                          is_word(wanted, "everything") || is_word(wanted, "default");
               });
    };
    std::string text;
    for (const auto& [section, lines] : all) {
        if (!is_wanted(section)) {
            continue;
        }
        text.append(text.empty() ? "" : "\r\n").append("# ").append(section).append("\r\n");
        for (const auto& [key, value] : lines) {
            text.append(key).append(":").append(value).append("\r\n");
        }
    }
    return text;
}

}  // namespace tulle::node::redis
