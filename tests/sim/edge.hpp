#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mesh/core/node/port.hpp"

namespace tulle::sim {

/// One subscription of one client, and what it saw.
struct Client {
    std::uint64_t id = 0;
    std::string channel;
    mesh::ShardIndex shard;
    std::optional<Instant> confirmed;  ///< `subscription_succeeded` reached it
    std::optional<Instant> ended;      ///< it has unsubscribed
    struct Seen {
        mesh::RecordNo n;
        Instant at;
    };
    std::map<OriginId, std::vector<Seen>> seen;  ///< in order of n
    /// It was told that something is missing.
    struct Gap {
        Instant at;
        OriginId origin;                     ///< whose
        std::optional<mesh::RecordNo> upto;  ///< none of it is later; nothing: that is not known
        bool named = false;                  ///< it was on this very channel; else nobody knows where
        std::uint64_t missing = 0;           ///< 0: unknown

        /// Whether it may be about what the origin accepted under this number then.
        [[nodiscard]] bool may_be(OriginId whose, mesh::RecordNo n, Instant accepted) const {
            return whose == origin && accepted <= at && (!upto || n <= *upto);
        }
    };
    std::vector<Gap> gaps;

    /// When it got the message; nothing: never.
    [[nodiscard]] std::optional<Instant> saw(OriginId origin, mesh::RecordNo n) const;
};

/// The shards of one simulated process, as node/io has them: the first client of a channel on a shard asks the hub,
/// those who come while the answer is pending wait for it, those who come later are confirmed at once.
class Edge {
public:
    using Violation = std::function<void(const std::string&)>;
    static constexpr std::size_t kShards = 2;
    static constexpr std::size_t kClients = 3;  ///< of one channel on one shard, at most

    struct Joined {
        std::uint64_t client = 0;            ///< 0: there was no room
        std::optional<mesh::Subscribe> ask;  ///< for the hub
    };
    Joined subscribe(Instant now, mesh::ShardIndex shard, const std::string& channel);
    /// The youngest client of the channel goes. What the hub must be told, when it was the last.
    std::optional<mesh::Unsubscribe> unsubscribe(Instant now, mesh::ShardIndex shard, const std::string& channel);

    /// Whom the hub's answer confirms just now.
    std::vector<const Client*> on_subscribed(Instant now, mesh::ShardIndex shard, const mesh::Subscribed& answer);
    void on_deliver(Instant now, std::uint64_t shards, OriginId origin, const mesh::RecordPtr& record,
                    const Violation& violation);
    /// Each client of the channel, or of every channel of the shard when `gap.named` is false, is told of it.
    void on_gap(mesh::ShardIndex shard, const std::string& channel, const Client::Gap& gap);

    void for_each_confirmed(const std::function<void(const Client&)>& visit) const;
    /// Those that were confirmed and have unsubscribed.
    [[nodiscard]] const std::vector<Client>& ended() const { return ended_; }
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
    std::vector<Client> ended_;
    std::uint64_t last_generation_ = 0;
    std::uint64_t last_client_ = 0;
};

}  // namespace tulle::sim
