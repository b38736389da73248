#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/prng.hpp"
#include "mesh/core/port.hpp"
#include "node/core/apps.hpp"
#include "node/core/channel_table.hpp"
#include "node/core/duty_report.hpp"
#include "node/core/last_events.hpp"
#include "node/core/presence_rooms.hpp"
#include "node/core/user_table.hpp"
#include "node/io/frame_deflater.hpp"
#include "node/io/hub_link.hpp"
#include "node/io/reactor.hpp"
#include "node/io/ws_connection.hpp"
#include "node/protocol/pusher/event_frame.hpp"
#include "node/protocol/pusher/session.hpp"

namespace tulle::node {

/// The Pusher clients of one shard: their sessions and channels. Runs the effects of the cores; decides nothing itself.
///
/// Thread: the shard's.
class PusherClients final : public WsHandler {
public:
    struct Context {
        Reactor& reactor;
        HubLink& hub;
        const AppTable& apps;
        const pusher::SessionTimeouts& timeouts;
        NodeLimits& limits;
        std::uint64_t seed = 0;  ///< of the socket ids
    };
    explicit PusherClients(const Context& context);

    void on_open(WsConnection& connection) override;
    void on_text(WsConnection& connection, std::string_view text) override;
    void on_activity(WsConnection& connection, bool is_answered) override;
    void on_session_deadline(WsConnection& connection) override;
    void on_drain(WsConnection& connection) override;
    void on_gone(WsConnection& connection) override;

    /// Queues it for the subscribers at once or together with those that follow: end_run must be called after the last
    /// of several, before anything else is.
    void deliver(const mesh::Record& record);
    void end_run();
    /// An exception has left a message of the hub half done: ends the connections that may have missed something of it,
    /// which their clients answer by connecting again. For a record those are the subscribers of its channels; whatever
    /// the message was, besides, those of a run that has not been sent whole.
    void fail_run(const std::exception& error) noexcept;
    void fail_subscribers(const mesh::Record& record, const std::exception& error) noexcept;
    void fail_all(const std::exception& error) noexcept;
    /// Closes those that hold most memory, until they have held so much together; none that holds less than
    /// kMinShedBytes. When there is no memory to find out who holds most, any of them. Of an exception in a
    /// connection's shedding that one ends.
    void shed(std::uint64_t bytes);
    void on_subscribed(const mesh::Subscribed& answer);
    /// The last event of a channel is this one, though its subscribers did not get it.
    void on_last_event(std::string_view channel, const mesh::KeptEvent& event);
    void on_member_joined(const mesh::MemberJoined& answer);
    void on_member_changed(const mesh::MemberChanged& change);
    /// Closes the connections that are signed in as the user, or are members of presence channels as that user.
    void end_user(std::string_view app_id, std::string_view user);
    void on_gap(const mesh::Gap& gap);
    /// A client event of ours has been refused.
    void on_publish_refused(const mesh::Published& answer);
    /// The hub has room again: goes on reading what was paused.
    void resume_paused();

    /// The apps have changed: what the mesh is told for webhooks is looked at anew.
    void review_duties() { duties_.mark_all(channels_, rooms_); }
    /// Tells the mesh what has changed for webhooks and counts of subscriptions since the last call.
    void tell_duties();
    /// A new subscriber of the channel (its key) has found nothing kept there.
    void tell_cache_miss(std::string_view key);

    /// The node is going away: the hub is told of nobody's leaving any more, so that users who connect to another node
    /// in time have not left.
    void begin_drain() { is_draining_ = true; }

    /// The table that the context gave has changed: turns clients away whose apps it does not serve.
    void on_apps_changed();

    [[nodiscard]] pusher::ShardTables tables() const { return {channels_, rooms_}; }
    [[nodiscard]] std::size_t size() const { return size_; }

    /// Ids of client events have this bit, so that they never meet those of HTTP publishes.
    static constexpr std::uint64_t kEventIdBit = std::uint64_t{1} << 63;
    /// Ids of MemberJoins of users who sign in have this bit, so that they never meet those of presence channels.
    static constexpr std::uint64_t kSignInIdBit = std::uint64_t{1} << 63;

private:
    struct Client {
        WsConnection* connection;
        pusher::Session session;
        AppTable apps;             ///< keeps the session's app
        std::uint32_t generation;  ///< tells clients apart that have had the same slot
    };

    /// Messages that came one after the other for the same clients. No change of the channel table falls into it.
    struct Run {
        std::string channel;
        std::optional<Slot> excluded;
        std::span<const Slot> subscribers;
        SlabRange frames;
        std::size_t messages = 0;
    };

    [[nodiscard]] Client* find(Slot slot) const;
    [[nodiscard]] std::optional<Slot> slot_of(std::string_view socket_id) const;
    [[nodiscard]] std::string new_socket_id(Slot slot);
    /// Takes from the effects what it hands on.
    void run(Client& client, pusher::SessionEffects& effects);
    void run(const ChannelEffects& effects);
    void run(const PresenceEffects& effects);
    void run(const UserEffects& effects);
    /// The connection has ended, or has been told to: it is on no channel any more, whenever its peer answers. Here, in
    /// leave and in turn_away an exception ends the process: the tables know nothing of who has left, and the hub would
    /// never be told.
    void depart(Slot slot) noexcept;
    void enter(Client& client, const pusher::Subscribe& wanted);
    void leave(Slot slot, const std::string& channel) noexcept;
    void confirm(const Confirm& confirm);
    void ask_admission(const AskAdmission& wanted);
    void join(const JoinHub& joining);
    void turn_away(const TurnAway& turned);
    void tell_member(const TellMember& change);
    void sign_in(Client& client, const pusher::SignIn& user);
    void join(const JoinHub& joining, std::uint64_t id, std::size_t max_members);
    void answer_signin(Slot slot, bool is_in);
    void tell_watchers(const TellWatchers& news);
    void end(const std::vector<Slot>& slots);
    void learn_last_event(const mesh::Subscribed& answer, bool is_confirmation);
    /// What was lost may have been the last event of the channel.
    void ask_last_event(std::string_view channel);
    /// False: the channel's subscribers have had the event.
    [[nodiscard]] bool keep(const mesh::Record& record, std::size_t index);
    /// After its confirmation, to a new subscriber of a cache channel.
    void replay(Client& client, const std::string& channel);
    /// Here alone every new subscriber that found nothing is known, once.
    void on_cache_miss(const std::string& channel);
    void publish(Client& client, pusher::PublishClientEvent& event);
    void count(Client& client, pusher::Refused what);
    void count(const pusher::Close& close);
    void refuse(WsConnection& connection, std::uint16_t code, std::string_view reason);
    void watch(const App& app, std::string_view key);
    void watch_all_of(Slot slot);
    void watch_member(std::string_view key, std::string_view user);
    void on_client_event(const Client& client, const pusher::PublishClientEvent& event);
    void perform(const App& app, WebhookEvent event, std::string_view channel, const std::string& json);
    void tell_gap(std::string_view channel, std::uint64_t missing);
    /// By value: closing takes them out of the table.
    void close_for_gap(std::vector<Slot> subscribers);
    /// An event of bytes may be too long as JSON, which no other is.
    [[nodiscard]] static bool fits(const pusher::EventTail& tail);
    [[nodiscard]] SlabRange frame_of(std::string_view channel, const pusher::EventTail& tail);
    void fail(std::span<const Slot> subscribers, const std::exception& error) noexcept;
    /// Those that so much is kept in memory for that it is worth closing them, and how much; most first.
    [[nodiscard]] std::vector<std::pair<std::size_t, WsConnection*>> by_memory() const;
    void add_to_run(std::string_view channel, const EventBody& body, std::optional<Slot> excluded);
    void send_to(std::span<const Slot> subscribers, const SlabRange& frames, std::size_t count,
                 std::optional<Slot> excluded);
    void send_deflated_to(std::span<const Slot> subscribers, const SlabRange& frames, std::size_t count,
                          std::optional<Slot> excluded);
    void broadcast(std::string_view channel, const EventBody& body);
    void update_gauges();

    Reactor& reactor_;
    HubLink& hub_;
    const AppTable& apps_;
    const pusher::SessionTimeouts& timeouts_;
    NodeLimits& limits_;
    ChannelTable channels_;
    PresenceRooms rooms_;
    UserTable users_;
    LastEvents last_events_;
    DutyReport duties_;
    Prng prng_;
    std::vector<std::unique_ptr<Client>> clients_;  ///< by slot
    std::vector<WsConnection*> connections_;        ///< likewise: all that a broadcast needs of a client
    Run run_;
    FrameDeflater deflater_;
    std::size_t deflating_ = 0;  ///< clients whose frames may be compressed
    std::vector<Slot> paused_;
    pusher::SessionEffects spare_effects_;  ///< empty: what the last message needed to tell its effects
    std::uint32_t last_generation_ = 0;
    std::size_t size_ = 0;
    bool is_draining_ = false;
};

}  // namespace tulle::node
