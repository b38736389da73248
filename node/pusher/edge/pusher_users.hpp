#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "mesh/core/node/port.hpp"
#include "node/core/slot.hpp"
#include "node/edge/reactor.hpp"
#include "node/pusher/core/user_table.hpp"
#include "node/pusher/edge/leave_teller.hpp"
#include "node/pusher/edge/pusher_sessions.hpp"

namespace tulle::node {

/// The signed-in users of a shard and their watchers. In the mesh each user is a presence channel of its own
/// (online_key). Runs the effects of UserTable.
///
/// Thread: the shard's.
/// Errors: none. An answer that nobody waits for does nothing.
class PusherUsers {
public:
    /// Set in the ids of MemberJoins of signed-in users, and never in the ids of presence channels, so that answers of
    /// the hub are told apart.
    static constexpr std::uint64_t kSignInIdBit = std::uint64_t{1} << 63;

    PusherUsers(Reactor& reactor, LeaveTeller& hub, PusherSessions& sessions)
        : reactor_(reactor), hub_(hub), sessions_(sessions) {}

    /// Carries out a SignIn.
    void sign_in(const PusherClient& client, const pusher::SignIn& user);
    /// The connection has gone. The caller hands `out` to run() when all tables have forgotten the connection.
    void remove(Slot slot, UserEffects& out) { users_.remove(slot, out); }
    /// Carries out the effects of the table, in order.
    void run(const UserEffects& effects);
    /// The subscription of the client to the user's own channel is confirmed.
    void on_reachable(Slot slot);
    /// The confirmation of a user's channel. REQUIRES: the channel is an online_key.
    void on_subscribed(const mesh::Subscribed& answer);
    /// The answer to a join. REQUIRES: the id has kSignInIdBit.
    void on_joined(const mesh::MemberJoined& answer);
    /// A user has come online or gone offline. REQUIRES: the channel is an online_key.
    void on_changed(const mesh::MemberChanged& change);
    /// The connections of this shard signed in as the user, or about to be.
    [[nodiscard]] std::vector<Slot> connections(std::string_view app_id, std::string_view user) const;

private:
    /// Asks the hub to take a user in.
    void join(const JoinHub& joining);
    /// Tells the client the end of the sign-in. A client whose user was not taken in is sent to another node by the
    /// close of a drain.
    void answer(Slot slot, bool is_in);
    /// Sends the same frame to all watchers.
    void tell_watchers(const TellWatchers& news);

    Reactor& reactor_;
    LeaveTeller& hub_;
    PusherSessions& sessions_;
    UserTable users_;
};

}  // namespace tulle::node
