#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "mesh/base/bytes.hpp"
#include "mesh/base/hash.hpp"
#include "node/core/slot.hpp"

namespace tulle::node {

/// A user as a connection brings it to a presence channel.
struct Member {
    std::string user;  ///< distinct per user
    std::string card;  ///< what others are told of it; opaque here
    friend bool operator==(const Member&, const Member&) = default;
};

/// Ask the hub to take a user in; on_joined follows with the same id.
struct JoinHub {
    std::uint64_t id = 0;
    std::string channel;
    Member member;
    friend bool operator==(const JoinHub&, const JoinHub&) = default;
};

/// Tell the hub that the user's last connection on this shard has left.
struct LeaveHub {
    std::string channel;
    std::string user;
    friend bool operator==(const LeaveHub&, const LeaveHub&) = default;
};

/// The user of the connection is in the list: admit it to the channel.
struct Admit {
    Slot slot;
    std::string channel;
    friend bool operator==(const Admit&, const Admit&) = default;
};

enum class JoinRefusal : std::uint8_t { kFull, kNotReady, kTooLarge };

/// The connection is out of the room again, with its user: end its subscription.
struct TurnAway {
    Slot slot;
    std::string channel;
    JoinRefusal reason = JoinRefusal::kNotReady;
    friend bool operator==(const TurnAway&, const TurnAway&) = default;
};

/// Tell the admitted subscribers who has come or gone.
struct TellMember {
    std::string channel;
    Member member;
    bool joined = false;
    friend bool operator==(const TellMember&, const TellMember&) = default;
};

using PresenceEffect = std::variant<JoinHub, LeaveHub, Admit, TurnAway, TellMember>;
using PresenceEffects = std::vector<PresenceEffect>;

/// The presence channels of one shard: the users of the whole mesh as the hub lists them, and which of this shard's
/// connections have brought which user.
///
/// A connection enters when it subscribes; once the channel is confirmed and listed, its user is taken in by the hub,
/// unless another connection of the shard has brought the user already; then the connection is admitted. A user is
/// announced to whoever has been admitted before, hence never to the connection that brought it.
///
/// Thread: confined to its shard.
/// Order:  run the appended effects in order; `out` is only appended to.
/// Cost:   enter, leave and on_changed are O(log users of the channel).
/// Limits: none of its own; the hub refuses users beyond the app's limit, the session bounds channels per connection.
/// Errors: none. Answers that nobody waits for any more, and changes of what is not listed, do nothing.
class PresenceRooms {
public:
    using Users = std::map<std::string, SharedBytes, std::less<>>;  ///< user to card

    /// Before the channel is subscribed. A connection that is in the room already stays who it was.
    void enter(Slot slot, std::string_view channel, Member member);
    /// The hub's list, with the confirmation of the channel.
    void on_listed(std::string_view channel, Users users);
    /// The channel is confirmed and listed, and the connection, which has entered, is not admitted.
    void ask(Slot slot, std::string_view channel, PresenceEffects& out);
    void on_joined(std::uint64_t id, PresenceEffects& out);
    void on_refused(std::uint64_t id, JoinRefusal reason, PresenceEffects& out);
    void on_changed(std::string_view channel, Member member, bool joined, PresenceEffects& out);
    /// Before the channel is unsubscribed.
    void leave(Slot slot, std::string_view channel, PresenceEffects& out);
    /// The connection has gone.
    void remove(Slot slot, PresenceEffects& out);

    /// All users of a channel in the mesh; null when it is not listed. Valid until the next change.
    [[nodiscard]] const Users* users(std::string_view channel) const;
    /// The card of the user that this connection has brought; null when it has not entered.
    [[nodiscard]] const std::string* card_of(Slot slot, std::string_view channel) const;
    /// The connections that have brought the user to any channel whose key begins with `prefix`. O(channels of the
    /// shard).
    [[nodiscard]] std::vector<Slot> connections(std::string_view prefix, std::string_view user) const;
    /// The user itself; null likewise. Valid until the next change.
    [[nodiscard]] const std::string* user_of(Slot slot, std::string_view channel) const;
    /// The cards of the users that this shard's connections have brought and the hub has taken in, by user.
    [[nodiscard]] std::vector<std::string_view> own_cards(std::string_view channel) const;
    /// The card of one of those; null when it is not among them.
    [[nodiscard]] SharedBytes own_card(std::string_view channel, std::string_view user) const;
    /// Those users, in all channels: by channel and user.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> own_users() const;

private:
    struct Local {
        SharedBytes card;
        std::size_t connections = 0;
        std::vector<Slot> waiting;  ///< not admitted yet
        std::uint64_t join_id = 0;  ///< 0: the hub has not been asked
        bool is_in = false;
    };
    struct Room {
        Users users;
        bool is_listed = false;
        std::map<std::string, Local, std::less<>> locals;
        std::unordered_map<std::uint32_t, std::string> users_by_slot;
    };
    using Rooms = StringMap<Room>;

    void forget_channel(Slot slot, std::string_view channel);
    void drop(Slot slot, Rooms::iterator room, PresenceEffects& out);

    Rooms rooms_;
    std::unordered_map<std::uint64_t, std::pair<std::string, std::string>> joins_;  ///< id to channel and user
    std::unordered_map<std::uint32_t, std::vector<std::string>> channels_by_slot_;
    std::uint64_t last_id_ = 0;
};

}  // namespace tulle::node
