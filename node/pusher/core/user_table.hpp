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

/// Tell the client that it is signed in: every node knows it by now, and what is sent to the user reaches it.
struct SignedIn {
    Slot slot;
    friend bool operator==(const SignedIn&, const SignedIn&) = default;
};

/// The mesh takes nobody in any more: the client had better go to another node.
struct SignInFailed {
    Slot slot;
    friend bool operator==(const SignInFailed&, const SignInFailed&) = default;
};

/// Tell these clients who of their watchlists is online, and who is not.
struct TellWatchers {
    std::vector<Slot> slots;
    std::vector<std::string> online;
    std::vector<std::string> offline;
    friend bool operator==(const TellWatchers&, const TellWatchers&) = default;
};

using UserEffect = std::variant<SubscribeHub, UnsubscribeHub, JoinHub, LeaveHub, SignedIn, SignInFailed, TellWatchers>;
using UserEffects = std::vector<UserEffect>;

/// Who of one shard's connections has signed in as which user, which users they watch, and which of those are online.
///
/// A user is a presence channel of the mesh, `online_key`, with one member, who is in it as long as a connection
/// anywhere is signed in as that user. So the mesh says exactly once when a user comes online and goes offline, also
/// when nodes die. A connection has signed in when the mesh has confirmed that channel and taken the user in, and the
/// connection is reachable. Whoever watches is told who is online then, and afterwards of each change.
///
/// Thread: confined to its shard.
/// Order:  run the appended effects in order; `out` is only appended to.
/// Cost:   sign_in and remove are O(watchlist · log connections of a user); a change costs as much as it has watchers
///         here.
/// Limits: none of its own; the session bounds watchlists.
/// Errors: none. Answers that nobody waits for any more, and changes of what is not confirmed, do nothing.
class UserTable {
public:
    /// What `watchlist` names, each once, is watched. Again from the same connection: it is told again that it is
    /// signed in, and goes on watching whom it watches.
    void sign_in(Slot slot, std::string_view app_id, std::string_view user, const std::vector<std::string>& watchlist,
                 UserEffects& out);
    /// Events for its user reach the connection from now on: it is subscribed to the user's channel. Nothing when it
    /// does not sign in.
    void on_reachable(Slot slot, UserEffects& out);
    /// The connection has gone.
    void remove(Slot slot, UserEffects& out);

    /// The hub's answer to a SubscribeHub of this table; others are ignored.
    void on_subscribed(std::string_view key, std::uint64_t generation, bool online, UserEffects& out);
    void on_joined(std::uint64_t id, UserEffects& out);
    void on_refused(std::uint64_t id, UserEffects& out);
    void on_changed(std::string_view key, bool online, UserEffects& out);

    /// The connections that are signed in as the user, or are about to be.
    [[nodiscard]] std::vector<Slot> connections(std::string_view key) const;
    /// Users with a connection here.
    [[nodiscard]] std::size_t size() const { return signed_in_users_; }

private:
    struct User {
        std::uint64_t generation = 0;
        std::uint64_t join_id = 0;  ///< of a JoinHub without an answer; 0: none
        bool is_confirmed = false;
        bool is_online = false;  ///< somewhere in the mesh
        bool is_in = false;      ///< brought by this shard
        std::set<Slot> connections;
        std::set<Slot> watchers;
    };
    struct Connection {
        std::string key;                   ///< of its user
        std::vector<std::string> watched;  ///< keys
        std::size_t unconfirmed = 0;       ///< of the watched
        bool is_reachable = false;
        bool is_signed_in = false;
        bool has_snapshot = false;
    };
    using Users = StringMap<User>;

    User& open(const std::string& key, UserEffects& out);
    void close_if_unused(const std::string& key, UserEffects& out);
    void ask(const std::string& key, User& user, UserEffects& out);
    User* take_join(std::uint64_t id);
    void complete(Slot slot, UserEffects& out);
    void tell_snapshot(Slot slot, Connection& connection, UserEffects& out);

    Users users_;
    std::unordered_map<std::uint32_t, Connection> connections_;
    std::unordered_map<std::uint64_t, std::string> joins_;  ///< id to key
    std::uint64_t last_generation_ = 0;
    std::uint64_t last_id_ = 0;
    std::size_t signed_in_users_ = 0;
};

}  // namespace tulle::node
