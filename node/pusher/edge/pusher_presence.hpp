#pragma once

#include <string>
#include <string_view>

#include "mesh/core/node/port.hpp"
#include "node/core/channel_table.hpp"
#include "node/core/presence_rooms.hpp"
#include "node/edge/reactor.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/edge/leave_teller.hpp"
#include "node/pusher/edge/pusher_duties.hpp"
#include "node/pusher/edge/pusher_sessions.hpp"

namespace tulle::node {

/// The users of the presence channels with subscribers on this shard. Runs the effects of PresenceRooms.
///
/// Thread: the shard's. Channels are named by their keys.
/// Errors: none. An answer that nobody waits for does nothing. An exception in turn_away ends the process.
class PusherPresence {
public:
    PusherPresence(Reactor& reactor, LeaveTeller& hub, const AppTable& apps, ChannelTable& channels,
                   PusherDuties& duties, PusherSessions& sessions)
        : reactor_(reactor), hub_(hub), apps_(apps), channels_(channels), duties_(duties), sessions_(sessions) {}

    /// Whoever changes the rooms has to hand the effects to run().
    [[nodiscard]] PresenceRooms& rooms() { return rooms_; }
    [[nodiscard]] const PresenceRooms& rooms() const { return rooms_; }
    /// Carries out the effects of the rooms, in order.
    void run(const PresenceEffects& effects);
    /// The mesh has confirmed the channel: asks for the client's user to be taken in, and then for the client to be
    /// admitted.
    void ask(const AskAdmission& wanted);
    /// The list of the channel's users, with the confirmation of the channel. Ignored for other channels.
    void on_listed(const mesh::Subscribed& answer);
    /// The hub's answer to a join.
    void on_joined(const mesh::MemberJoined& answer);
    /// A user has come to a channel or left the channel, somewhere in the mesh.
    void on_changed(const mesh::MemberChanged& change);

private:
    /// Asks the hub to take a user in, within the app's max_presence_members.
    void join(const JoinHub& joining);
    /// Tells the hub that the last connection of a user has left.
    void leave(const LeaveHub& leaving);
    /// Lets the client into the channel; the confirmation follows.
    void admit(const Admit& admitted);
    /// Ends the subscription of a client whose user was refused. An exception here ends the process, as in
    /// PusherClients::depart.
    void turn_away(const TurnAway& turned);
    /// Tells the other clients of the channel.
    void tell(const TellMember& change);

    Reactor& reactor_;
    LeaveTeller& hub_;
    const AppTable& apps_;
    ChannelTable& channels_;
    PusherDuties& duties_;
    PusherSessions& sessions_;
    PresenceRooms rooms_;
};

}  // namespace tulle::node
