#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "mesh/core/node/port.hpp"

namespace tulle::sim {

inline constexpr std::uint64_t kCacheChannels = 8;
[[nodiscard]] inline std::string cache_channel(std::uint64_t i) {
    return "app/cache-" + std::to_string(i);
}

/// The cache channels of one simulated process, as its shards keep them: the hub's answer brings the last event, and
/// what is delivered afterwards replaces it.
class Shelf {
public:
    static constexpr std::size_t kShards = 2;
    using Ask = std::function<void(mesh::ShardIndex, mesh::ToHub)>;

    [[nodiscard]] static bool holds(const std::string& channel) { return channel.starts_with("app/cache-"); }

    void subscribe(Instant now, mesh::ShardIndex shard, const std::string& channel, const Ask& ask);
    void unsubscribe(mesh::ShardIndex shard, const std::string& channel, const Ask& ask);

    struct Answered {
        Instant asked;
        mesh::Stamp last;    ///< time 0: there was none
        bool first = false;  ///< of the process: nothing was under way to it already
    };
    std::optional<Answered> on_subscribed(Instant now, mesh::ShardIndex shard, const mesh::Subscribed& answer);
    void on_last(mesh::ShardIndex shard, const mesh::RetainedFound& last);
    void on_deliver(std::uint64_t shards, const mesh::Record& record);

    struct Held {
        Instant confirmed;
        mesh::Stamp last;  ///< time 0: there was none
    };
    /// What the clients of the channel on this shard have been given; nothing: there are none that were confirmed.
    [[nodiscard]] std::optional<Held> held(mesh::ShardIndex shard, const std::string& channel) const;
    /// The last event of each confirmed shard and channel.
    void for_each(const std::function<void(const std::string& channel, const mesh::Stamp& last)>& visit) const;

private:
    struct Place {
        std::uint64_t generation = 0;
        Instant asked;
        std::optional<Instant> confirmed;
        bool first = false;
        mesh::Stamp last;
    };

    std::map<std::string, Place> shards_[kShards];
    std::uint64_t last_generation_ = 0;
};

}  // namespace tulle::sim
