#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "mesh/core/node/port.hpp"

namespace tulle::sim {

/// The presence channels of a simulated process, as the shards keep presence: users come and go, the hub's answer
/// brings the list of users, and later words of the hub keep the list true.
class Roster {
public:
    /// As many as an Edge has.
    static constexpr std::size_t kShards = 2;
    /// Passes a message of a shard to the hub.
    using Ask = std::function<void(mesh::ShardIndex, mesh::ToHub)>;
    using Violation = std::function<void(const std::string&)>;

    /// A user connects to this shard. The hub is asked to take the user in as soon as the channel is confirmed.
    void join(mesh::ShardIndex shard, const std::string& channel, const std::string& user, const Ask& ask);
    /// A user disconnects from this shard.
    void leave(Instant now, mesh::ShardIndex shard, const std::string& channel, const std::string& user,
               const Ask& ask);

    /// The hub's answer to a subscription, with the list of users.
    void on_subscribed(Instant now, mesh::ShardIndex shard, const mesh::Subscribed& answer, const Ask& ask,
                       const Violation& violation);
    /// The hub's answer to a join.
    void on_joined(Instant now, mesh::ShardIndex shard, const mesh::MemberJoined& answer, const Violation& violation);
    /// The node serves again: users refused in the meantime try again.
    void on_ready(const Ask& ask);
    /// P2 of presence: no user joins who is there, and no user leaves who is not. Returns true when the shard's clients
    /// hear of the change, and false before the shard has its list, as an edge tells its clients nothing before.
    [[nodiscard]] bool on_changed(mesh::ShardIndex shard, const mesh::MemberChanged& change,
                                  const Violation& violation);

    /// Since when the user has been connected here and taken in, without leaving either shard. Nothing: the user is
    /// not.
    [[nodiscard]] std::optional<Instant> in_since(const std::string& channel, const std::string& user) const;
    /// Visits each user of the channel with a value of in_since().
    void for_each_in(const std::string& channel,
                     const std::function<void(const std::string& user, Instant since)>& visit) const;
    /// True when the user is connected here, taken in or not.
    [[nodiscard]] bool has(const std::string& channel, const std::string& user) const;
    /// When the user last left a shard here. Nothing: never.
    [[nodiscard]] std::optional<Instant> gone_since(const std::string& channel, const std::string& user) const;
    /// True when the hub was ever asked to take the user in.
    [[nodiscard]] bool has_had(const std::string& channel, const std::string& user) const {
        return had_.contains({channel, user});
    }
    /// Adds the users connected here and taken in.
    void add_present(std::map<std::string, std::set<std::string>>& by_channel) const;
    /// The list of a confirmed shard, valid during the visit.
    struct List {
        const std::string& channel;
        const std::set<std::string>& users;
        Instant confirmed;
    };
    /// Visits the list of each confirmed shard.
    void for_each_list(const std::function<void(const List&)>& visit) const;
    /// True when a user connected here is not taken in yet.
    [[nodiscard]] bool is_waiting() const;

private:
    /// Waiting for the channel or for the node, asked for at the hub, or taken in.
    enum class State : std::uint8_t { kWaiting, kAsked, kIn };
    /// A presence channel on a shard.
    struct Room {
        std::uint64_t generation = 0;
        std::optional<Instant> confirmed;
        std::set<std::string> list;
        std::map<std::string, State> users;
    };
    /// A question to the hub. An answer for another generation is void.
    struct Asked {
        std::string channel;
        std::string user;
        std::uint64_t generation = 0;
    };

    /// Asks the hub to take the user in.
    void ask_for(mesh::ShardIndex shard, const std::string& channel, Room& room, const std::string& user,
                 const Ask& ask);

    std::map<std::string, Room> shards_[kShards];
    std::map<std::uint64_t, Asked> asked_;
    std::map<std::pair<std::string, std::string>, Instant> in_since_;
    std::map<std::pair<std::string, std::string>, Instant> gone_;
    std::set<std::pair<std::string, std::string>> had_;
    std::uint64_t last_generation_ = 0;
    std::uint64_t last_id_ = 0;
};

}  // namespace tulle::sim
