#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mesh/core/node/port.hpp"

namespace tulle::sim {

/// A subscription of a client, and all that the client saw.
struct Client {
    std::uint64_t id = 0;
    std::string channel;
    mesh::ShardIndex shard;
    /// When `subscription_succeeded` reached the client.
    std::optional<Instant> confirmed;
    /// When the client unsubscribed.
    std::optional<Instant> ended;
    /// A delivery: the number of the record, and the moment.
    struct Seen {
        mesh::RecordNo n;
        Instant at;
    };
    /// By origin, in the order of n.
    std::map<OriginId, std::vector<Seen>> seen;
    /// An announcement: messages are missing.
    struct Gap {
        Instant at;
        /// The origin of the missing messages.
        OriginId origin;
        /// No missing message has a later number. Nothing: unknown.
        std::optional<mesh::RecordNo> upto;
        /// True: the gap is on this very channel. False: nobody knows on which channel.
        bool named = false;
        /// How many messages are missing; 0: unknown.
        std::uint64_t missing = 0;

        /// True when the gap may be about the message accepted by the origin under this number at `accepted`.
        [[nodiscard]] bool may_be(OriginId whose, mesh::RecordNo n, Instant accepted) const {
            return whose == origin && accepted <= at && (!upto || n <= *upto);
        }
    };
    std::vector<Gap> gaps;

    /// When the client got the message. Nothing: never.
    [[nodiscard]] std::optional<Instant> saw(OriginId origin, mesh::RecordNo n) const;
};

/// The shards of a simulated process, as node/io has shards: the first client of a channel on a shard asks the hub,
/// clients that come while the answer is pending wait for the answer, and later clients are confirmed at once.
class Edge {
public:
    using Violation = std::function<void(const std::string&)>;
    /// The shards of every simulated process.
    static constexpr std::size_t kShards = 2;
    /// The most clients of a channel on a shard.
    static constexpr std::size_t kClients = 3;

    /// The result of subscribe().
    struct Joined {
        /// The number of the client; 0: no room for a further client.
        std::uint64_t client = 0;
        /// A question for the hub, if any.
        std::optional<mesh::Subscribe> ask;
    };
    /// A client subscribes. The caller passes `ask` to the hub.
    Joined subscribe(Instant now, mesh::ShardIndex shard, const std::string& channel);
    /// The youngest client of the channel goes. Returns the word for the hub when the client was the last.
    std::optional<mesh::Unsubscribe> unsubscribe(Instant now, mesh::ShardIndex shard, const std::string& channel);

    /// Takes the hub's answer. Returns the clients confirmed just now, valid until the next change.
    std::vector<const Client*> on_subscribed(Instant now, mesh::ShardIndex shard, const mesh::Subscribed& answer);
    /// Gives a record to all confirmed clients of the record's channels on the shards of the bits `shards`. Numbers of
    /// an origin must grow: otherwise `violation` is called.
    void on_deliver(Instant now, std::uint64_t shards, OriginId origin, const mesh::RecordPtr& record,
                    const Violation& violation);
    /// Tells each client of the channel of the gap, or each client of the shard when `gap.named` is false.
    void on_gap(mesh::ShardIndex shard, const std::string& channel, const Client::Gap& gap);

    /// Visits the clients that are confirmed and have not unsubscribed.
    void for_each_confirmed(const std::function<void(const Client&)>& visit) const;
    /// Clients that were confirmed and have unsubscribed.
    [[nodiscard]] const std::vector<Client>& ended() const { return ended_; }
    /// The confirmed clients of a channel on all shards.
    [[nodiscard]] std::vector<const Client*> audience(const std::string& channel) const;
    /// The channel with the longest wait for the hub's answer, and the begin of the wait. Nothing when no channel
    /// waits.
    [[nodiscard]] std::optional<std::pair<std::string, Instant>> longest_pending() const;

private:
    /// A channel with at least a client on a shard.
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
