#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mesh/base/time.hpp"
#include "mesh/core/node/messages.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/node/port.hpp"

namespace tulle::mesh {

/// Who is on the presence channels that this node has subscribers of: the union of what each origin says of its own
/// users.
///
/// Thread:  confined to the hub. Time: `now` must not go backwards.
/// Promise: for each user one MemberChanged when the first origin brings it, and one when the last is gone, in between
///          none. An origin's word counts from its list on (PresencePart); changes that the list already holds are
///          ignored.
/// Death:   what an origin brought whose session has ended is kept for `presence_grace`, in case the users, or the
///          origin, come again; then it is gone. Work for that is done `presence_slice` users a turn.
/// Limits:  our own users are bounded by the edges' limits per channel and the clients connected; another's in one
///          channel by `presence_users`, and its list by `presence_bytes`, which one message may pass (is_over).
class PresenceTable {
public:
    using Members = std::shared_ptr<const std::vector<PresenceMember>>;
    using Changes = std::vector<MemberChanged>;

    PresenceTable(OriginId self, const Timing& timing, const Limits& limits)
        : self_(self),
          grace_(timing.presence_grace),
          slice_(limits.presence_slice),
          most_users_(limits.presence_users),
          most_bytes_(limits.presence_bytes) {}

    // ---- our own users
    enum class Joined : std::uint8_t { kNew, kAgain, kFull };
    /// kNew: the peers are to be told.
    Joined join(ShardIndex shard, const std::string& channel, const PresenceMember& member, std::size_t max,
                Changes& out);
    /// True: the peers are to be told.
    bool leave(ShardIndex shard, const std::string& channel, const std::string& user, Changes& out);
    /// Our own users of a channel, by user.
    [[nodiscard]] std::vector<PresenceMember> own(const std::string& channel) const;
    /// Nobody here is interested any more: forgets everything about the channel. REQUIRES: no user of ours is left in
    /// it.
    void forget(const std::string& channel);

    // ---- others' users
    /// A change in the log of `from`.
    void apply(OriginId from, const Record& record, Changes& out);
    /// A piece of a list; `since` is the version of our present interest in the channel. True when the list is
    /// complete.
    bool accept(OriginId from, const PresencePart& part, InterestVersion since, Changes& out);
    /// The list of `from` is complete, for our interest since `since`.
    [[nodiscard]] bool knows(OriginId from, const std::string& channel, InterestVersion since) const;
    /// `from` has more users in the channel, or lists more, than one node may: its session must end.
    [[nodiscard]] bool is_over(OriginId from, const std::string& channel) const;
    /// Its session has ended, or it can't say any more what has changed: its users stay for the grace, unless it, or
    /// somebody else, brings them again.
    void lose(Instant now, OriginId from);

    void on_deadline(Instant now, Changes& out);
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    /// All users of a channel, by user; those in their grace included.
    [[nodiscard]] Members members(const std::string& channel) const;
    [[nodiscard]] bool has_own(const std::string& channel) const;
    /// Users of all channels.
    [[nodiscard]] std::size_t users() const { return users_; }

private:
    struct User {
        SharedBytes info;
        std::uint64_t shards = 0;           // of ours
        std::vector<OriginId> origins;      // others that have it
        std::optional<Instant> leaving_at;  // nobody has it any more
        [[nodiscard]] bool held() const { return shards != 0 || !origins.empty(); }
    };
    /// What one origin has said of one channel.
    struct Remote {
        InterestVersion version;  // of the list, 0: none yet
        RecordNo at;
        std::uint64_t epoch = 0;  // of the session that brought the list
        std::size_t held = 0;     // users of the channel that it has
        std::vector<PresenceMember> building;
        std::size_t building_bytes = 0;
        std::optional<InterestVersion> building_version;
        std::uint64_t building_epoch = 0;
    };
    struct Channel {
        std::map<std::string, User> users;
        std::map<OriginId, Remote> remotes;
        std::size_t own = 0;
    };
    struct Loss {
        OriginId origin;
        std::set<std::string> channels;  // still to be looked at
        std::uint64_t epoch = 0;         // what was told in it, or before, is lost
        Instant until;
    };
    struct Leaving {
        Instant at;
        std::string channel;
        std::string user;
    };

    using Users = std::map<std::string, User>;
    void add(const std::string& name, Channel& channel, const PresenceMember& member, OriginId origin, Changes& out);
    void take(const std::string& name, Channel& channel, Users::iterator user, OriginId origin, Changes& out);
    void gone(const std::string& name, Channel& channel, Users::iterator user, Changes& out);
    void replace(const std::string& name, Channel& channel, OriginId origin, const std::vector<PresenceMember>& members,
                 Changes& out);
    std::size_t lose_slice(Loss& loss);
    std::size_t lose_channel(const Loss& loss, const std::string& name);
    void forget_epoch(OriginId origin);
    [[nodiscard]] bool is_complete(OriginId from, const Remote& remote) const;
    [[nodiscard]] std::uint64_t epoch(OriginId from) const;

    OriginId self_;
    Duration grace_;
    std::size_t slice_;
    std::size_t most_users_;
    std::size_t most_bytes_;
    std::map<std::string, Channel> channels_;
    std::map<OriginId, std::uint64_t> epochs_;               // counts the sessions that were lost; 0: none yet
    std::map<OriginId, std::set<std::string>> channels_of_;  // where an origin may have users
    std::deque<Loss> losses_;
    std::deque<Leaving> leaving_;  // by time
    std::size_t users_ = 0;
};

}  // namespace tulle::mesh
