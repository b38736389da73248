#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "mesh/core/node/port.hpp"

namespace tulle::sim {

/// Cache channels of a world.
inline constexpr std::uint64_t kCacheChannels = 8;
/// The name of a cache channel, from 0.
[[nodiscard]] inline std::string cache_channel(std::uint64_t i) {
    return "app/cache-" + std::to_string(i);
}

/// The cache channels of a simulated process, as the shards keep cache channels: the hub's answer brings the last
/// event, and later deliveries replace the event.
class Shelf {
public:
    /// As many as an Edge has.
    static constexpr std::size_t kShards = 2;
    using Ask = std::function<void(mesh::ShardIndex, mesh::ToHub)>;

    /// True for the name of a cache channel.
    [[nodiscard]] static bool holds(const std::string& channel) { return channel.starts_with("app/cache-"); }

    /// A client subscribes on a shard; only the first client of a channel asks the hub.
    void subscribe(Instant now, mesh::ShardIndex shard, const std::string& channel, const Ask& ask);
    /// All clients of the channel on the shard go.
    void unsubscribe(mesh::ShardIndex shard, const std::string& channel, const Ask& ask);

    /// An answer of the hub to a subscription.
    struct Answered {
        Instant asked;
        /// The last event; a time of 0: none.
        mesh::Stamp last;
        /// True: the other shard was not subscribed, so nothing was under way to the process.
        bool first = false;
    };
    /// Takes the hub's answer. Nothing: the answer belongs to an earlier subscription.
    std::optional<Answered> on_subscribed(Instant now, mesh::ShardIndex shard, const mesh::Subscribed& answer);
    /// Takes a last event found later.
    void on_last(mesh::ShardIndex shard, const mesh::RetainedFound& last);
    /// Takes a record delivered to the shards of the bits `shards`.
    void on_deliver(std::uint64_t shards, const mesh::Record& record);

    /// The state of a confirmed channel on a shard.
    struct Held {
        Instant confirmed;
        /// The last event; a time of 0: none.
        mesh::Stamp last;
    };
    /// The last event given to the clients of the channel on this shard. Nothing: no client is confirmed.
    [[nodiscard]] std::optional<Held> held(mesh::ShardIndex shard, const std::string& channel) const;
    /// Visits the last event of each confirmed shard and channel.
    void for_each(const std::function<void(const std::string& channel, const mesh::Stamp& last)>& visit) const;

private:
    /// A channel on a shard.
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
