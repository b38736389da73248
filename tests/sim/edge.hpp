#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mesh/core/port.hpp"

namespace tulle::sim {

/// One subscription of one client, and what it saw.
struct Client {
    std::uint64_t id = 0;
    std::string channel;
    mesh::ShardIndex shard;
    std::optional<Instant> confirmed;  ///< `subscription_succeeded` reached it
    std::map<OriginId, std::vector<mesh::RecordNo>> seen;
    std::uint64_t gap = 0;             ///< announced missing
    bool gap_unknown = false;

    [[nodiscard]] bool saw(OriginId origin, mesh::RecordNo n) const;
};

/// The shards of one simulated process, as node/io has them: the first client of a channel on a shard asks the hub, those
/// who come while the answer is pending wait for it, those who come later are confirmed at once.
class Edge {
public:
    using Violation = std::function<void(const std::string&)>;
    static constexpr std::size_t kShards = 2;
    static constexpr std::size_t kClients = 3;  ///< of one channel on one shard, at most

    struct Joined {
        std::uint64_t client = 0;              ///< 0: there was no room
        std::optional<mesh::Subscribe> ask;    ///< for the hub
    };
    Joined subscribe(Instant now, mesh::ShardIndex shard, const std::string& channel);
    /// The youngest client of the channel goes. What the hub must be told, when it was the last.
    std::optional<mesh::Unsubscribe> unsubscribe(mesh::ShardIndex shard, const std::string& channel);

    /// Whom the hub's answer confirms just now.
    std::vector<const Client*> on_subscribed(Instant now, mesh::ShardIndex shard, const mesh::Subscribed& answer);
    void on_deliver(std::uint64_t shards, OriginId origin, const mesh::RecordPtr& record, const Violation& violation);
    void on_gap(mesh::ShardIndex shard, const mesh::Gap& gap);

    void for_each_confirmed(const std::function<void(const Client&)>& visit) const;
    /// Confirmed clients of one channel.
    [[nodiscard]] std::vector<const Client*> audience(const std::string& channel) const;
    /// The channel that has waited longest for the hub's answer, and since when.
    [[nodiscard]] std::optional<std::pair<std::string, Instant>> longest_pending() const;

private:
    struct Entry {
        std::uint64_t generation = 0;
        bool confirmed = false;
        Instant since;
        std::vector<Client> clients;
    };

    std::map<std::string, Entry> shards_[kShards];
    std::uint64_t last_generation_ = 0;
    std::uint64_t last_client_ = 0;
};

}  // namespace tulle::sim
