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

/// A user, in the form in which a connection brings the user to a presence channel.
struct Member {
    /// The id: the same id is the same user.
    std::string user;
    /// The information about the user for other clients. The text is opaque here.
    std::string card;
    friend bool operator==(const Member&, const Member&) = default;
};

/// Effect: ask the hub to take a user in. on_joined or on_refused follows with the same id.
struct JoinHub {
    std::uint64_t id = 0;
    std::string channel;
    Member member;
    friend bool operator==(const JoinHub&, const JoinHub&) = default;
};

/// Effect: tell the hub that the user's last connection on this shard has left.
struct LeaveHub {
    std::string channel;
    std::string user;
    friend bool operator==(const LeaveHub&, const LeaveHub&) = default;
};

/// Effect: the user of the connection is in the list; admit the connection to the channel.
struct Admit {
    Slot slot;
    std::string channel;
    friend bool operator==(const Admit&, const Admit&) = default;
};

/// The hub's reason for not taking a user in: the channel is full, the mesh is not ready, or the user is too large.
enum class JoinRefusal : std::uint8_t { kFull, kNotReady, kTooLarge };

/// Effect: the connection is out of the room again, with its user; end the subscription.
struct TurnAway {
    Slot slot;
    std::string channel;
    JoinRefusal reason = JoinRefusal::kNotReady;
    friend bool operator==(const TurnAway&, const TurnAway&) = default;
};

/// Effect: tell the admitted subscribers about a user that has come (`joined`) or gone.
struct TellMember {
    std::string channel;
    Member member;
    bool joined = false;
    friend bool operator==(const TellMember&, const TellMember&) = default;
};

using PresenceEffect = std::variant<JoinHub, LeaveHub, Admit, TurnAway, TellMember>;
using PresenceEffects = std::vector<PresenceEffect>;

/// The presence channels of a shard: the users of the whole mesh as listed by the hub, and the users that the
/// connections of this shard have brought.
///
/// A connection enters at its subscription. Once the channel is confirmed and listed, the hub takes the user in, unless
/// another connection of the shard has brought the user already. Then the connection is admitted. A new user is
/// announced to the connections admitted before, so never to the connection that brought the user.
///
/// Thread: confined to its shard.
/// Order:  run the appended effects in order; `out` is only appended to.
/// Cost:   enter, leave and on_changed are O(log users of the channel).
/// Limits: none of its own; the hub refuses users beyond the app's limit, the session bounds channels per connection.
/// Errors: none. A late answer without a waiting connection and a change of a channel without a list do nothing.
class PresenceRooms {
public:
    /// The card of each user, by user id.
    using Users = std::map<std::string, SharedBytes, std::less<>>;

    /// Notes the user of a connection. Call before the channel is subscribed. A connection that is in the room already
    /// keeps its first user.
    void enter(Slot slot, std::string_view channel, Member member);
    /// Takes in the hub's list, which comes with the confirmation of the channel.
    void on_listed(std::string_view channel, Users users);
    /// Asks for admission: appends Admit for a user that is in already, otherwise JoinHub unless the hub has been
    /// asked. REQUIRES: the channel is confirmed and listed; the connection has entered and is not admitted.
    void ask(Slot slot, std::string_view channel, PresenceEffects& out);
    /// The hub has taken in the user of JoinHub `id`: admits every waiting connection of the user.
    void on_joined(std::uint64_t id, PresenceEffects& out);
    /// The hub has refused the user of JoinHub `id`: turns away every waiting connection of the user.
    void on_refused(std::uint64_t id, JoinRefusal reason, PresenceEffects& out);
    /// A user of any node has come or gone. Only a change of the list is told; a repetition does nothing.
    void on_changed(std::string_view channel, Member member, bool joined, PresenceEffects& out);
    /// The connection leaves a channel. Call before the channel is unsubscribed.
    void leave(Slot slot, std::string_view channel, PresenceEffects& out);
    /// The connection has gone: leaves every channel.
    void remove(Slot slot, PresenceEffects& out);

    /// All users of a channel in the mesh; null for a channel without a list. Valid until the next change.
    [[nodiscard]] const Users* users(std::string_view channel) const;
    /// The card of the user that the connection has brought; null when the connection has not entered. Valid until the
    /// next change.
    [[nodiscard]] const std::string* card_of(Slot slot, std::string_view channel) const;
    /// The connections that have brought `user` to any channel with a key that begins with `prefix`, sorted by slot.
    /// O(channels of the shard).
    [[nodiscard]] std::vector<Slot> connections(std::string_view prefix, std::string_view user) const;
    /// The id of the user that the connection has brought; null when the connection has not entered. Valid until the
    /// next change.
    [[nodiscard]] const std::string* user_of(Slot slot, std::string_view channel) const;
    /// The cards of the users that connections of this shard have brought and the hub has taken in, sorted by user.
    /// Valid until the next change.
    [[nodiscard]] std::vector<std::string_view> own_cards(std::string_view channel) const;
    /// The card of `user` if own_cards includes the card; null otherwise.
    [[nodiscard]] SharedBytes own_card(std::string_view channel, std::string_view user) const;
    /// The ids of the users of own_cards, sorted, at most `most`. `number` becomes the number of all. Valid until the
    /// next change.
    [[nodiscard]] std::vector<std::string_view> own_ids(std::string_view channel, std::size_t most,
                                                        std::size_t& number) const;
    /// A user that the connection has brought to any channel; null when the connection has entered none. O(1). Valid
    /// until the next change.
    [[nodiscard]] const std::string* any_user_of(Slot slot) const;
    /// The users of own_cards in all channels, as pairs of channel and user, sorted.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> own_users() const;

private:
    /// A user that connections of this shard have brought.
    struct Local {
        SharedBytes card;
        /// Connections with this user in the room, waiting or admitted.
        std::size_t connections = 0;
        /// Connections that are not admitted yet.
        std::vector<Slot> waiting;
        /// The id in JoinHub; 0: the hub has not been asked.
        std::uint64_t join_id = 0;
        /// The hub has taken the user in.
        bool is_in = false;
    };
    /// A presence channel with a connection of this shard.
    struct Room {
        /// The users of the whole mesh; empty before the list has come.
        Users users;
        bool is_listed = false;
        std::map<std::string, Local, std::less<>> locals;
        /// The user of each connection, by slot.
        std::unordered_map<std::uint32_t, std::string> users_by_slot;
    };
    using Rooms = StringMap<Room>;

    /// Removes the channel from the list of the slot's channels.
    void forget_channel(Slot slot, std::string_view channel);
    /// Takes the connection out of the room. Removes the room with the last connection.
    void drop(Slot slot, Rooms::iterator room, PresenceEffects& out);

    Rooms rooms_;
    /// Channel and user of each JoinHub without an answer, by id.
    std::unordered_map<std::uint64_t, std::pair<std::string, std::string>> joins_;
    std::unordered_map<std::uint32_t, std::vector<std::string>> channels_by_slot_;
    std::uint64_t last_id_ = 0;
};

}  // namespace tulle::node
