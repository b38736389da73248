#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "mesh/core/node/port.hpp"

namespace tulle::sim {

/// The presence channels of one simulated process, as its shards keep them: users come and go, the hub's answer brings
/// the list, and what it tells afterwards keeps it true.
class Roster {
public:
    static constexpr std::size_t kShards = 2;
    using Ask = std::function<void(mesh::ShardIndex, mesh::ToHub)>;
    using Violation = std::function<void(const std::string&)>;

    /// A user connects to this shard; it is asked for at the hub as soon as the channel is confirmed.
    void join(mesh::ShardIndex shard, const std::string& channel, const std::string& user, const Ask& ask);
    void leave(Instant now, mesh::ShardIndex shard, const std::string& channel, const std::string& user,
               const Ask& ask);

    void on_subscribed(Instant now, mesh::ShardIndex shard, const mesh::Subscribed& answer, const Ask& ask,
                       const Violation& violation);
    void on_joined(Instant now, mesh::ShardIndex shard, const mesh::MemberJoined& answer, const Violation& violation);
    /// The node serves again: users that were refused meanwhile try again.
    void on_ready(const Ask& ask);
    /// P2 of presence: nobody joins who is there, nobody leaves who is not. True when the shard's clients hear of the
    /// change; false before the shard has its list, as an edge tells its clients nothing before that.
    [[nodiscard]] bool on_changed(mesh::ShardIndex shard, const mesh::MemberChanged& change,
                                  const Violation& violation);

    /// Since when the user has been connected here, taken in, without leaving either shard; nothing: it is not.
    [[nodiscard]] std::optional<Instant> in_since(const std::string& channel, const std::string& user) const;
    /// Calls with each user of the channel that in_since() is true of.
    void for_each_in(const std::string& channel,
                     const std::function<void(const std::string& user, Instant since)>& visit) const;
    /// It is connected here, taken in or not; it was, and when it left a shard last; it was ever asked for.
    [[nodiscard]] bool has(const std::string& channel, const std::string& user) const;
    [[nodiscard]] std::optional<Instant> gone_since(const std::string& channel, const std::string& user) const;
    [[nodiscard]] bool has_had(const std::string& channel, const std::string& user) const {
        return had_.contains({channel, user});
    }
    /// Users connected here that have been taken in.
    void add_present(std::map<std::string, std::set<std::string>>& by_channel) const;
    struct List {
        const std::string& channel;
        const std::set<std::string>& users;
        Instant confirmed;
    };
    /// Each confirmed shard's list.
    void for_each_list(const std::function<void(const List&)>& visit) const;
    [[nodiscard]] bool is_waiting() const;

private:
    enum class State : std::uint8_t { kWaiting, kAsked, kIn };
    struct Room {
        std::uint64_t generation = 0;
        std::optional<Instant> confirmed;
        std::set<std::string> list;
        std::map<std::string, State> users;
    };
    struct Asked {
        std::string channel;
        std::string user;
        std::uint64_t generation = 0;
    };

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
