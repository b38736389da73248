#pragma once

#include <string>
#include <string_view>

#include "mesh/core/node/port.hpp"
#include "node/core/channel_table.hpp"
#include "node/core/presence_rooms.hpp"
#include "node/edge/hub_port.hpp"
#include "node/edge/reactor.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/edge/pusher_duties.hpp"
#include "node/pusher/edge/pusher_sessions.hpp"

namespace tulle::node {

/// The users of the presence channels that have subscribers on this shard.
///
/// Thread: the shard's. Channels are named by their keys.
class PusherPresence {
public:
    PusherPresence(Reactor& reactor, HubPort& hub, const AppTable& apps, ChannelTable& channels, PusherDuties& duties,
                   PusherSessions& sessions)
        : reactor_(reactor), hub_(hub), apps_(apps), channels_(channels), duties_(duties), sessions_(sessions) {}

    [[nodiscard]] PresenceRooms& rooms() { return rooms_; }
    [[nodiscard]] const PresenceRooms& rooms() const { return rooms_; }
    void run(const PresenceEffects& effects);
    /// The mesh has confirmed the channel: takes the client's user in, then the client.
    void ask(const AskAdmission& wanted);
    void on_listed(const mesh::Subscribed& answer);
    void on_joined(const mesh::MemberJoined& answer);
    void on_changed(const mesh::MemberChanged& change);
    /// The hub is told of nobody's leaving any more.
    void begin_drain() { is_draining_ = true; }

private:
    void join(const JoinHub& joining);
    void leave(const LeaveHub& leaving);
    void admit(const Admit& admitted);
    /// Here an exception ends the process, as in PusherClients::depart.
    void turn_away(const TurnAway& turned);
    void tell(const TellMember& change);

    Reactor& reactor_;
    HubPort& hub_;
    const AppTable& apps_;
    ChannelTable& channels_;
    PusherDuties& duties_;
    PusherSessions& sessions_;
    PresenceRooms rooms_;
    bool is_draining_ = false;
};

}  // namespace tulle::node
