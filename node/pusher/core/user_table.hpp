#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "mesh/base/hash.hpp"
#include "node/core/channel_table.hpp"
#include "node/core/presence_rooms.hpp"
#include "node/core/slot.hpp"

namespace tulle::node {

/// Effect: tell the client that the sign-in is complete. Every node knows of the user, and events for the user reach
/// the client.
struct SignedIn {
    Slot slot;
    friend bool operator==(const SignedIn&, const SignedIn&) = default;
};

/// Effect: the mesh takes in no user any more. The client should go to another node.
struct SignInFailed {
    Slot slot;
    friend bool operator==(const SignInFailed&, const SignInFailed&) = default;
};

/// Effect: tell these clients which users on their watchlists are online and which are offline.
struct TellWatchers {
    std::vector<Slot> slots;
    std::vector<std::string> online;
    std::vector<std::string> offline;
    friend bool operator==(const TellWatchers&, const TellWatchers&) = default;
};

using UserEffect = std::variant<SubscribeHub, UnsubscribeHub, JoinHub, LeaveHub, SignedIn, SignInFailed, TellWatchers>;
using UserEffects = std::vector<UserEffect>;

/// The signed-in users of a shard: the user of each connection, the users watched by each connection, and the presence
/// of the watched users in the whole mesh.
///
/// A user is a presence channel of the mesh, `online_key`, with a single member. The user is a member as long as a
/// connection on any node is signed in as the user. So the mesh says exactly once when a user comes online and when the
/// user goes offline, also when nodes die.
///
/// A connection has signed in when three things are true: the mesh has confirmed the user's channel, the mesh has taken
/// the user in, and the connection is reachable for events to the user. A watcher is told the state of its whole
/// watchlist then, and each change afterwards.
///
/// Thread: confined to its shard.
/// Order:  run the appended effects in order; `out` is only appended to.
/// Cost:   sign_in and remove are O(watchlist · log connections of a user); a change is O(watchers of the user in this
///         shard).
/// Limits: none of its own; the session bounds watchlists (kMaxWatchlist).
/// Errors: none. An answer without a request and a change of an unconfirmed user do nothing.
class UserTable {
public:
    /// The connection signs in as `user` and watches each user of `watchlist`; a name given twice counts once. A second
    /// sign-in of the same connection changes nothing, and the first watchlist stays; SignedIn is repeated once the
    /// first sign-in is complete.
    void sign_in(Slot slot, std::string_view app_id, std::string_view user, const std::vector<std::string>& watchlist,
                 UserEffects& out);
    /// Events for its user reach the connection from this moment, as the connection is subscribed to the user's
    /// channel. Does nothing for a connection that does not sign in.
    void on_reachable(Slot slot, UserEffects& out);
    /// The connection has gone. Does nothing for a connection without a sign-in.
    void remove(Slot slot, UserEffects& out);

    /// The hub's answer to the SubscribeHub of this table with the same `generation`. `online`: the user is a member of
    /// the channel on any node. Other answers are ignored.
    void on_subscribed(std::string_view key, std::uint64_t generation, bool online, UserEffects& out);
    /// The hub has taken in the user of the JoinHub with this `id`.
    void on_joined(std::uint64_t id, UserEffects& out);
    /// The hub has refused the JoinHub with this `id`: each waiting connection gets a SignInFailed.
    void on_refused(std::uint64_t id, UserEffects& out);
    /// A user has come online or gone offline in the mesh.
    void on_changed(std::string_view key, bool online, UserEffects& out);

    /// The connections of this shard signed in as the user with this `online_key`, or about to be.
    [[nodiscard]] std::vector<Slot> connections(std::string_view key) const;
    /// Number of users with a connection in this shard.
    [[nodiscard]] std::size_t size() const { return signed_in_users_; }

private:
    /// A user with a connection or a watcher in this shard.
    struct User {
        /// Of the SubscribeHub.
        std::uint64_t generation = 0;
        /// Of a JoinHub without an answer; 0: none.
        std::uint64_t join_id = 0;
        /// The mesh has confirmed the subscription, so `is_online` is true to fact.
        bool is_confirmed = false;
        /// A connection on any node is signed in.
        bool is_online = false;
        /// The hub has taken the user in on behalf of this shard.
        bool is_in = false;
        std::set<Slot> connections;
        std::set<Slot> watchers;
    };
    struct Connection {
        /// Of the connection's own user.
        std::string key;
        /// Keys.
        std::vector<std::string> watched;
        /// Number of watched users without a confirmation.
        std::size_t unconfirmed = 0;
        bool is_reachable = false;
        bool is_signed_in = false;
        bool has_snapshot = false;
    };
    using Users = StringMap<User>;

    /// Finds or makes the user; a new user is subscribed to in the mesh.
    User& open(const std::string& key, UserEffects& out);
    /// Forgets a user without connections and watchers, and ends the subscription in the mesh.
    void close_if_unused(const std::string& key, UserEffects& out);
    /// Asks the hub to take the user in, unless the hub has been asked already.
    void ask(const std::string& key, User& user, UserEffects& out);
    /// The user whose join is answered; null when nobody waits for the answer any more.
    User* take_join(std::uint64_t id);
    /// Signs the connection in, if the connection is reachable and has not signed in before. REQUIRES: the hub has
    /// taken the user in.
    void complete(Slot slot, UserEffects& out);
    /// Tells the state of the whole watchlist, once: as soon as the connection is signed in and every watched user is
    /// confirmed.
    void tell_snapshot(Slot slot, Connection& connection, UserEffects& out);

    Users users_;
    std::unordered_map<std::uint32_t, Connection> connections_;
    /// By the id of the JoinHub: the user's key.
    std::unordered_map<std::uint64_t, std::string> joins_;
    std::uint64_t last_generation_ = 0;
    std::uint64_t last_id_ = 0;
    std::size_t signed_in_users_ = 0;
};

}  // namespace tulle::node
