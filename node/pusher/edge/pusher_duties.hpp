#pragma once

#include <string>
#include <string_view>

#include "node/core/channel_table.hpp"
#include "node/core/presence_rooms.hpp"
#include "node/edge/hub_port.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/core/duty_report.hpp"
#include "node/pusher/wire/session.hpp"

namespace tulle::node {

/// What the clients' doings are for webhooks and for counts of subscriptions: duties, each of which one node of the
/// mesh does.
///
/// Thread: the shard's. Channels are named by their keys.
class PusherDuties {
public:
    PusherDuties(HubPort& hub, const AppTable& apps) : hub_(hub), apps_(apps) {}

    /// The number of the channel's subscribers has changed, or will have by the end of the turn.
    void watch(const App& app, std::string_view channel);
    /// The number of the user's connections to the presence channel has.
    void watch_member(std::string_view channel, std::string_view user);
    /// The apps have changed: what the mesh is told is looked at from the beginning.
    void review(const ChannelTable& channels, const PresenceRooms& rooms) { report_.mark_all(channels, rooms); }
    /// Tells the mesh what has changed since the last call.
    void tell(const ChannelTable& channels, const PresenceRooms& rooms);
    /// The node is going away: nobody's leaving is told any more, as whoever is disconnected now will be back
    /// elsewhere.
    void begin_drain() { is_draining_ = true; }

    void on_client_event(const App& app, const std::string& socket_id, const pusher::PublishClientEvent& event);
    /// A new subscriber of the channel has found nothing kept there.
    void on_cache_miss(std::string_view channel);

private:
    void perform(const App& app, WebhookEvent event, std::string_view name, const std::string& json);

    HubPort& hub_;
    const AppTable& apps_;
    DutyReport report_;
    bool is_draining_ = false;
};

}  // namespace tulle::node
