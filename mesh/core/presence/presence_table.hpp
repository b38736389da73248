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

/// The users of the presence channels with subscribers on this node: the union of the users of all origins, as told by
/// each origin itself.
///
/// A user is told as joined when the first origin brings the user, as left when the last origin has lost the user, and
/// not at all in between. An origin's word counts from its list on (PresencePart). A change already in the list is
/// ignored. The users of an origin without a session stay for `presence_grace`, in case the users or the origin come
/// again, and then leave.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Cost:   after a loss at most about `presence_slice` users are looked at in a turn; a channel is never split. At most
///         `presence_slice` graces end in a turn.
/// Limits: the edges' limits and the connected clients bound this node's own users. `presence_users` bounds a peer's
///         users in a channel, and `presence_bytes` bounds a peer's list under way. A single message may overshoot;
///         is_over() then tells the caller to end the session.
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

    /// kNew: the user is new on this node. kAgain: another shard has the user already. kFull: the channel has `max`
    /// users.
    enum class Joined : std::uint8_t { kNew, kAgain, kFull };
    /// A user joins on `shard`. kNew: the caller tells the peers. Refused (kFull) for a new user of a channel with
    /// `max` users. Changes that the shards must be told are appended to `out`, here and in the following functions.
    Joined join(ShardIndex shard, const std::string& channel, const PresenceMember& member, std::size_t max,
                Changes& out);
    /// A user leaves on `shard`. True when no shard has the user any more: the caller tells the peers.
    bool leave(ShardIndex shard, const std::string& channel, const std::string& user, Changes& out);
    /// This node's own users of a channel, by user.
    [[nodiscard]] std::vector<PresenceMember> own(const std::string& channel) const;
    /// Forgets everything about the channel, because no shard is interested any more. REQUIRES: no own user is left in
    /// the channel.
    void forget(const std::string& channel);

    /// Takes in a change from the log of `from`. Ignored without a list of `from`, and when the list holds the change.
    void apply(OriginId from, const Record& record, Changes& out);
    /// Takes in a piece of a list of `from`. `since`: the version of this node's present interest in the channel. True
    /// when the list is complete; then the list replaces the users of `from`.
    bool accept(OriginId from, const PresencePart& part, InterestVersion since, Changes& out);
    /// True when a complete list of `from` is held, made for version `since` of this node's interest or a later
    /// version.
    [[nodiscard]] bool knows(OriginId from, const std::string& channel, InterestVersion since) const;
    /// True when `from` has, or lists, more users in the channel than a node may. The caller must end the session.
    [[nodiscard]] bool is_over(OriginId from, const std::string& channel) const;
    /// The session of `from` has ended, or a part of its log is lost. Its users stay for the grace, and then leave
    /// unless `from` or another origin brings the users again.
    void lose(Instant now, OriginId from);

    /// Every node that may have users of the channel has listed its users: the users in their grace leave now.
    void end_graces(const std::string& channel, Changes& out);

    /// Works on losses in slices, and ends the graces that are over.
    void on_deadline(Instant now, Changes& out);
    /// When on_deadline() has work. Instant{} stands for "at once".
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    /// All users of a channel, by user, including users in their grace.
    [[nodiscard]] Members members(const std::string& channel) const;
    /// True when a user of this node is in the channel.
    [[nodiscard]] bool has_own(const std::string& channel) const;
    /// The number of users, summed over all channels.
    [[nodiscard]] std::size_t users() const { return users_; }

private:
    /// A user of a channel, and the origins that have the user.
    struct User {
        SharedBytes info;
        /// Shards of this node with the user, as a mask.
        std::uint64_t shards = 0;
        /// Other origins with the user.
        std::vector<OriginId> origins;
        /// The end of the grace, when no origin has the user any more.
        std::optional<Instant> leaving_at;
        [[nodiscard]] bool held() const { return shards != 0 || !origins.empty(); }
    };
    /// The word of an origin about a channel.
    struct Remote {
        /// The version that the complete list was made for. 0: no complete list yet.
        InterestVersion version;
        /// Changes up to here are in the list.
        RecordNo at;
        /// The epoch in which the list came.
        std::uint64_t epoch = 0;
        /// Users of the channel that the origin has.
        std::size_t held = 0;
        /// The list under way.
        std::vector<PresenceMember> building;
        std::size_t building_bytes = 0;
        std::optional<InterestVersion> building_version;
        std::uint64_t building_epoch = 0;
    };
    struct Channel {
        std::map<std::string, User> users;
        std::map<OriginId, Remote> remotes;
        /// Users with a shard of this node.
        std::size_t own = 0;
    };
    /// An origin's loss that is being worked on.
    struct Loss {
        OriginId origin;
        /// Channels still to be looked at.
        std::set<std::string> channels;
        /// Words of this epoch or of an earlier epoch are lost.
        std::uint64_t epoch = 0;
        /// The end of the grace.
        Instant until;
    };
    /// A user in grace. Void when the user's `leaving_at` differs from `at`: somebody has brought the user again.
    struct Leaving {
        Instant at;
        std::string channel;
        std::string user;
    };

    using Users = std::map<std::string, User>;
    /// Adds a user to an origin.
    void add(const std::string& name, Channel& channel, const PresenceMember& member, OriginId origin, Changes& out);
    /// Takes a user from an origin. REQUIRES: for this node as the origin, no shard has the user any more.
    void take(const std::string& name, Channel& channel, Users::iterator user, OriginId origin, Changes& out);
    /// Erases a user and tells the leaving. REQUIRES: no origin has the user.
    void gone(const std::string& name, Channel& channel, Users::iterator user, Changes& out);
    /// Makes the users of an origin equal to `members`.
    void replace(const std::string& name, Channel& channel, OriginId origin, const std::vector<PresenceMember>& members,
                 Changes& out);
    /// Works on a loss, up to a slice. Returns the work done, in users.
    std::size_t lose_slice(Loss& loss);
    /// Takes the lost users of a channel away from the origin. Returns the work done, in users.
    std::size_t lose_channel(const Loss& loss, const std::string& name);
    /// Erases the epoch of an origin when no word of an earlier session is held any more, so that the table of epochs
    /// stays small. The count may then begin again.
    void forget_epoch(OriginId origin);
    /// True when a complete list of the present epoch is held.
    [[nodiscard]] bool is_complete(OriginId from, const Remote& remote) const;
    [[nodiscard]] std::uint64_t epoch(OriginId from) const;

    OriginId self_;
    Duration grace_;
    std::size_t slice_;
    std::size_t most_users_;
    std::size_t most_bytes_;
    std::map<std::string, Channel> channels_;
    // Counts the losses of each origin. An origin without an entry has epoch 0.
    std::map<OriginId, std::uint64_t> epochs_;
    // Channels in which an origin may have users: saves a walk over all channels after a loss.
    std::map<OriginId, std::set<std::string>> channels_of_;
    // In the order of their occurrence.
    std::deque<Loss> losses_;
    // By time, since every grace is equally long.
    std::deque<Leaving> leaving_;
    std::size_t users_ = 0;
};

}  // namespace tulle::mesh
