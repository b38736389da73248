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
#include "node/pusher/edge/leave_teller.hpp"
#include "node/pusher/edge/pusher_delivery.hpp"
#include "node/pusher/edge/pusher_duties.hpp"
#include "node/pusher/edge/pusher_history.hpp"
#include "node/pusher/edge/pusher_presence.hpp"
#include "node/pusher/edge/pusher_sessions.hpp"
#include "node/pusher/edge/pusher_users.hpp"
#include "node/pusher/wire/session.hpp"
#include "node/web/ws_connection.hpp"
#include "node/wire/client_question.hpp"

namespace tulle::node {

/// The Pusher clients of a shard: sessions and channels. Runs the effects of the cores, and decides nothing.
///
/// Thread: the shard's.
/// Limits: none of its own. NodeLimits bounds connections, the sessions bound subscriptions, and a full hub pauses the
///         reading of clients.
/// Errors: an exception in a handler of a single client fails the client's connection. An exception in depart() or
///         leave() ends the process.
class PusherClients final : public WsHandler, private PusherSessions {
public:
    /// The parts of the shard and of the edge. All of them outlive this object.
    struct Context {
        Reactor& reactor;
        HubPort& hub;
        const AppTable& apps;
        const pusher::SessionTimeouts& timeouts;
        NodeLimits& limits;
        AppRations& rations;
        AppBook& book;
        /// For clients that this node closes to come back elsewhere.
        Duration presence_grace{};
        /// Of the socket ids.
        std::uint64_t seed = 0;
    };
    explicit PusherClients(const Context& context);

    /// Begins a session for a new WebSocket, or refuses the client: wrong target, or app over its quota of connections.
    void on_open(WsConnection& connection) override;
    /// Gives a message to the session. Pauses the connection while the hub is backed up.
    void on_text(WsConnection& connection, std::string_view text) override;
    /// A ping or pong has come.
    void on_activity(WsConnection& connection, bool is_answered) override;
    /// The session's deadline has come.
    void on_session_deadline(WsConnection& connection) override;
    /// Ends the session, as the node is going away.
    void on_drain(WsConnection& connection) override;
    /// The connection has ended: takes the client out of all tables. Does nothing for a client that was never entered.
    void on_gone(WsConnection& connection) override;
    /// The error frame and close code for a client given up by the node.
    [[nodiscard]] WsFarewell farewell(Farewell why) const override;
    /// The error frame before a close with 1009.
    [[nodiscard]] std::string too_large(std::size_t max_message) const override;

    [[nodiscard]] PusherDelivery& delivery() { return delivery_; }
    [[nodiscard]] CacheChannels& cached() { return cached_; }
    /// The hub's answer to a subscription. Answers to an older subscription change nothing.
    void on_subscribed(const mesh::Subscribed& answer);
    /// The hub's answer to a join, of a presence channel or of a sign-in.
    void on_member_joined(const mesh::MemberJoined& answer);
    /// The hub's answer about the history that a subscriber wants first.
    void on_resumed(mesh::Resumed& answer);
    /// A user has come or left, on a presence channel or by a sign-in.
    void on_member_changed(const mesh::MemberChanged& change);
    /// Closes the connections signed in as the user, and the connections on presence channels as the user.
    void end_user(std::string_view app_id, std::string_view user) override;
    /// The answer of this shard to a question about clients, in parts for the mesh. Carries out an order to close
    /// connections. `node`: the name of this node.
    [[nodiscard]] std::vector<std::string> answer(const ClientQuestion& question, const std::string& node);
    /// The hub has refused a client event of this shard: tells the sender, if still connected.
    void on_publish_refused(const mesh::Published& answer);
    /// The hub has room again: reads on from all paused connections.
    void resume_paused();

    /// Reports to the mesh all changes since the last call, for webhooks and counts of subscriptions.
    void tell_duties() { duties_.tell(channels_, presence_.rooms()); }
    /// Tells the hub of clients that have left, where that had to wait. Call once in each turn, after tell_duties().
    void tell_leavings() { leaves_.end_turn(); }

    /// How the hub hears from here on of clients that leave.
    void set_leave_mode(LeaveMode mode) { leaves_.set_mode(mode); }
    /// The clients, those without a subscription first, and then those that have come last.
    [[nodiscard]] std::vector<Slot> in_order_of_moving() const;

    /// The AppTable of the context has changed: gives sessions their new configuration, and turns away the clients of
    /// apps that are served no longer.
    void on_apps_changed();

    /// The tables of this shard, without an AuthGate. Valid as long as this object.
    [[nodiscard]] pusher::ShardTables tables() const { return {channels_, presence_.rooms()}; }
    /// Number of entered clients.
    [[nodiscard]] std::size_t size() const { return size_; }

    /// Set in the ids of client events, and never in the ids of HTTP publishes, so that answers of the hub are told
    /// apart.
    static constexpr std::uint64_t kEventIdBit = std::uint64_t{1} << 63;

private:
    // More fields than 15: seven are what the shard has given, nine the parts of the edge, each a class of its own.
    /// Null: no client at the slot.
    [[nodiscard]] PusherClient* find(Slot slot) const override;
    /// Carries out the effects of a session, then sets the session's new deadline.
    void run(PusherClient& client, pusher::SessionEffects& effects) override;
    /// Carries out the effects of the ChannelTable.
    void run(const ChannelEffects& effects) override;
    void broadcast(std::string_view channel, const EventBody& body) override { delivery_.broadcast(channel, body); }
    /// Nothing when no client of this shard has the socket id.
    [[nodiscard]] std::optional<Slot> slot_of(std::string_view socket_id) const override;
    /// An unpredictable id with the slot in it.
    [[nodiscard]] std::string new_socket_id(Slot slot);
    /// The connection has ended or was told to end: takes the client off every channel at once, whenever the peer
    /// answers. An exception here or in leave() ends the process: the tables would have forgotten the client, and the
    /// hub would never be told.
    void depart(Slot slot) noexcept;
    /// Carries out a Subscribe.
    void enter(PusherClient& client, const pusher::Subscribe& wanted);
    /// Carries out an Unsubscribe.
    void leave(Slot slot, const std::string& channel) noexcept;
    /// Tells a client of its confirmed subscription.
    void confirm(const Confirm& confirm);
    /// Ends connections by order of the app.
    void end(const std::vector<Slot>& slots);
    void admit(Slot slot, const std::string& channel) override;
    /// The client leaves all its channels: nothing of their histories is wanted any more.
    void forget_histories(Slot slot);
    /// Sends a new subscriber of a cache channel the last event, or a cache miss. To be called after the confirmation.
    /// `history`: what the subscriber has got of the channel's history; null without a wish.
    void replay(PusherClient& client, const std::string& channel, const PusherHistory::Replay* history);
    /// Hands a client event to the hub.
    void publish(PusherClient& client, pusher::PublishClientEvent& event);
    /// Counts a refusal; a wrong signature also counts against the address.
    void count(PusherClient& client, pusher::Refused what);
    /// Counts what a new subscriber has got of a history.
    void count(const PusherHistory::Replay& history);
    /// Counts a close by its code.
    void count(const pusher::Close& close);
    /// Closes a connection without a session.
    void refuse(WsConnection& connection, std::uint16_t code, std::string_view reason);
    /// Says who was refused, for those who ask (RefusalWatch).
    void tell_refusal(const WsConnection& connection, const App* app, std::string_view what);
    /// The same for a session whose effects count a refusal.
    void tell_refusal(const PusherClient& client, const pusher::SessionEffects& effects);
    /// Marks all channels of the client for PusherDuties, before the client leaves the channels.
    void watch_all_of(Slot slot);
    /// Sets the metrics of channels and subscriptions.
    void update_gauges();

    Reactor& reactor_;
    HubPort& hub_;
    const AppTable& apps_;
    const pusher::SessionTimeouts& timeouts_;
    NodeLimits& limits_;
    AppRations& rations_;
    AppBook& book_;
    ChannelTable channels_;
    CacheChannels cached_;
    LeaveTeller leaves_;
    PusherDuties duties_;
    PusherHistory history_;
    PusherDelivery delivery_;
    PusherPresence presence_;
    PusherUsers users_;
    Prng prng_;
    /// By slot; null for a slot without a client.
    std::vector<std::unique_ptr<PusherClient>> clients_;
    /// Connections paused until the hub has room.
    std::vector<Slot> paused_;
    /// Always empty: the memory of the last message's effects, so that a message needs no allocation.
    pusher::SessionEffects spare_effects_;
    /// Of the client entered last; see PusherClient::generation.
    std::uint32_t last_generation_ = 0;
    /// Number of entered clients.
    std::size_t size_ = 0;
};

}  // namespace tulle::node
