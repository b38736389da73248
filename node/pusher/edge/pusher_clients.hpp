#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/prng.hpp"
#include "mesh/core/node/port.hpp"
#include "node/core/channel_table.hpp"
#include "node/edge/hub_port.hpp"
#include "node/edge/reactor.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/edge/app_rations.hpp"
#include "node/pusher/edge/cache_channels.hpp"
#include "node/pusher/edge/pusher_delivery.hpp"
#include "node/pusher/edge/pusher_duties.hpp"
#include "node/pusher/edge/pusher_presence.hpp"
#include "node/pusher/edge/pusher_sessions.hpp"
#include "node/pusher/edge/pusher_users.hpp"
#include "node/pusher/wire/session.hpp"
#include "node/web/ws_connection.hpp"

namespace tulle::node {

/// The Pusher clients of one shard: their sessions and channels. Runs the effects of the cores; decides nothing itself.
///
/// Thread: the shard's.
class PusherClients final : public WsHandler, private PusherSessions {
public:
    struct Context {
        Reactor& reactor;
        HubPort& hub;
        const AppTable& apps;
        const pusher::SessionTimeouts& timeouts;
        NodeLimits& limits;
        AppRations& rations;
        std::uint64_t seed = 0;  ///< of the socket ids
    };
    explicit PusherClients(const Context& context);

    void on_open(WsConnection& connection) override;
    void on_text(WsConnection& connection, std::string_view text) override;
    void on_activity(WsConnection& connection, bool is_answered) override;
    void on_session_deadline(WsConnection& connection) override;
    void on_drain(WsConnection& connection) override;
    void on_gone(WsConnection& connection) override;
    [[nodiscard]] WsFarewell farewell(Farewell why) const override;
    [[nodiscard]] std::string too_large(std::size_t max_message) const override;

    [[nodiscard]] PusherDelivery& delivery() { return delivery_; }
    [[nodiscard]] CacheChannels& cached() { return cached_; }
    void on_subscribed(const mesh::Subscribed& answer);
    void on_member_joined(const mesh::MemberJoined& answer);
    void on_member_changed(const mesh::MemberChanged& change);
    /// Closes the connections that are signed in as the user, or are members of presence channels as that user.
    void end_user(std::string_view app_id, std::string_view user) override;
    /// A client event of ours has been refused.
    void on_publish_refused(const mesh::Published& answer);
    /// The hub has room again: goes on reading what was paused.
    void resume_paused();

    /// Tells the mesh what has changed for webhooks and counts of subscriptions since the last call.
    void tell_duties() { duties_.tell(channels_, presence_.rooms()); }

    /// The node is going away: the hub is told of nobody's leaving any more, so that users who connect to another node
    /// in time have not left.
    void begin_drain();

    /// The table that the context gave has changed: turns clients away whose apps it does not serve.
    void on_apps_changed();

    [[nodiscard]] pusher::ShardTables tables() const { return {channels_, presence_.rooms()}; }
    [[nodiscard]] std::size_t size() const { return size_; }

    /// Ids of client events have this bit, so that they never meet those of HTTP publishes.
    static constexpr std::uint64_t kEventIdBit = std::uint64_t{1} << 63;

private:
    // More fields than 15: seven are what the shard has given, seven the parts of the edge, each a class of its own.
    [[nodiscard]] PusherClient* find(Slot slot) const override;
    void run(PusherClient& client, pusher::SessionEffects& effects) override;
    void run(const ChannelEffects& effects) override;
    void broadcast(std::string_view channel, const EventBody& body) override { delivery_.broadcast(channel, body); }
    [[nodiscard]] std::optional<Slot> slot_of(std::string_view socket_id) const override;
    [[nodiscard]] std::string new_socket_id(Slot slot);
    /// The connection has ended, or has been told to: it is on no channel any more, whenever its peer answers. Here and
    /// in leave an exception ends the process: the tables know nothing of who has left, and the hub would never be
    /// told.
    void depart(Slot slot) noexcept;
    void enter(PusherClient& client, const pusher::Subscribe& wanted);
    void leave(Slot slot, const std::string& channel) noexcept;
    void confirm(const Confirm& confirm);
    void end(const std::vector<Slot>& slots);
    /// After its confirmation, to a new subscriber of a cache channel.
    void replay(PusherClient& client, const std::string& channel);
    void publish(PusherClient& client, pusher::PublishClientEvent& event);
    void count(PusherClient& client, pusher::Refused what);
    void count(const pusher::Close& close);
    void refuse(WsConnection& connection, std::uint16_t code, std::string_view reason);
    /// What the client is subscribed to changes: for webhooks and counts.
    void watch_all_of(Slot slot);
    void update_gauges();

    Reactor& reactor_;
    HubPort& hub_;
    const AppTable& apps_;
    const pusher::SessionTimeouts& timeouts_;
    NodeLimits& limits_;
    AppRations& rations_;
    ChannelTable channels_;
    CacheChannels cached_;
    PusherDuties duties_;
    PusherDelivery delivery_;
    PusherPresence presence_;
    PusherUsers users_;
    Prng prng_;
    std::vector<std::unique_ptr<PusherClient>> clients_;  ///< by slot
    std::vector<Slot> paused_;
    pusher::SessionEffects spare_effects_;  ///< empty: what the last message needed to tell its effects
    std::uint32_t last_generation_ = 0;
    std::size_t size_ = 0;
    bool is_draining_ = false;
};

}  // namespace tulle::node
