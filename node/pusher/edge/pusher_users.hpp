#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "mesh/core/node/port.hpp"
#include "node/core/slot.hpp"
#include "node/edge/hub_port.hpp"
#include "node/edge/reactor.hpp"
#include "node/pusher/core/user_table.hpp"
#include "node/pusher/edge/pusher_sessions.hpp"

namespace tulle::node {

/// The users who are signed in on this shard, each a presence channel of its own in the mesh (online_key), and those
/// who watch them.
///
/// Thread: the shard's.
class PusherUsers {
public:
    /// Ids of MemberJoins of users who sign in have this bit, so that they never meet those of presence channels.
    static constexpr std::uint64_t kSignInIdBit = std::uint64_t{1} << 63;

    PusherUsers(Reactor& reactor, HubPort& hub, PusherSessions& sessions)
        : reactor_(reactor), hub_(hub), sessions_(sessions) {}

    void sign_in(const PusherClient& client, const pusher::SignIn& user);
    /// The connection has gone. What the mesh is told of that is in `out`, for run.
    void remove(Slot slot, UserEffects& out) { users_.remove(slot, out); }
    void run(const UserEffects& effects);
    /// The client's own channel has been confirmed.
    void on_reachable(Slot slot);
    /// REQUIRES of these: the channel is an online_key; the id has kSignInIdBit.
    void on_subscribed(const mesh::Subscribed& answer);
    void on_joined(const mesh::MemberJoined& answer);
    void on_changed(const mesh::MemberChanged& change);
    [[nodiscard]] std::vector<Slot> connections(std::string_view app_id, std::string_view user) const;
    /// The hub is told of nobody's leaving any more.
    void begin_drain() { is_draining_ = true; }

private:
    void join(const JoinHub& joining);
    void answer(Slot slot, bool is_in);
    void tell_watchers(const TellWatchers& news);

    Reactor& reactor_;
    HubPort& hub_;
    PusherSessions& sessions_;
    UserTable users_;
    bool is_draining_ = false;
};

}  // namespace tulle::node
