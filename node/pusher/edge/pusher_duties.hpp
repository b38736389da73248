#pragma once

#include <string>
#include <string_view>

#include "node/core/channel_table.hpp"
#include "node/core/grace_queue.hpp"
#include "node/core/presence_rooms.hpp"
#include "node/edge/hub_port.hpp"
#include "node/edge/reactor.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/core/duty_report.hpp"
#include "node/pusher/edge/leave_teller.hpp"
#include "node/pusher/wire/session.hpp"

namespace tulle::node {

/// Turns events among the clients of a shard into duties of the mesh, for webhooks and for counts of subscriptions. A
/// single node of the mesh does each duty.
///
/// Thread: the shard's. Channels are named by their keys.
/// Limits: none of its own; the mesh bounds duties.
/// Errors: none. A channel of an unknown app causes no duty.
class PusherDuties {
public:
    PusherDuties(Reactor& reactor, HubPort& hub, const AppTable& apps, const LeaveTeller& leaves)
        : reactor_(reactor), hub_(hub), apps_(apps), leaves_(leaves), leavings_(leaves.grace()) {}

    /// The number of the channel's subscribers has changed, or will have changed by the end of the turn.
    void watch(const App& app, std::string_view channel);
    /// The number of the user's connections to the presence channel has changed.
    void watch_member(std::string_view channel, std::string_view user);
    /// As watch() and watch_member(), for a client that leaves: with LeaveMode::kAfterGrace the client counts for the
    /// grace. `is_counted`: the client's subscription was confirmed.
    void watch_leaving(const App& app, std::string_view channel, bool is_counted);
    void watch_leaving_member(std::string_view channel, std::string_view user);
    /// The apps have changed: compares everything with the last report at the next tell().
    void review(const ChannelTable& channels, const PresenceRooms& rooms) { report_.mark_all(channels, rooms); }
    /// Reports to the mesh all changes since the last call. To be called once a turn, so that a channel left and
    /// entered within a turn causes nothing. With LeaveMode::kNever nothing is reported: a client that is disconnected
    /// now comes back on another node.
    void tell(const ChannelTable& channels, const PresenceRooms& rooms);

    /// A client event of this shard, for the webhooks of the app.
    void on_client_event(const App& app, const std::string& socket_id, const pusher::PublishClientEvent& event);
    /// A new subscriber of the cache channel has found no event.
    void on_cache_miss(std::string_view channel);

private:
    /// True when the app of the channel may want to be told of users.
    [[nodiscard]] bool may_watch_members(std::string_view channel) const;
    /// Gives a task to the mesh. `json` is the element of a webhook's `events`; `name` is the bare name.
    void perform(const App& app, WebhookEvent event, std::string_view name, const std::string& json);

    /// A change that is looked at after the grace.
    struct Leaving {
        std::string channel;
        /// Empty: the subscribers of the channel.
        std::string user;
    };

    Reactor& reactor_;
    HubPort& hub_;
    const AppTable& apps_;
    const LeaveTeller& leaves_;
    DutyReport report_;
    GraceQueue<Leaving> leavings_;
};

}  // namespace tulle::node
