#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mesh/base/event_body.hpp"
#include "mesh/base/time.hpp"
#include "node/core/address_limits.hpp"
#include "node/core/channel_table.hpp"
#include "node/core/presence_rooms.hpp"
#include "node/core/slot.hpp"
#include "node/core/token_bucket.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/core/limits.hpp"
#include "node/pusher/wire/codec.hpp"
#include "node/pusher/wire/presence.hpp"

namespace tulle::node::pusher {

/// Effect: send this text frame to the client.
struct Send {
    std::string text;
    friend bool operator==(const Send&, const Send&) = default;
};

/// Effect: enter the client into the channel; on_subscribed() follows when the mesh has confirmed. `channel` is the
/// bare name.
struct Subscribe {
    std::string channel;
    /// Of a presence channel: the user of the client.
    std::optional<Member> member = {};
    /// What the client wants of the channel's history first.
    std::optional<HistoryWish> history = {};
    friend bool operator==(const Subscribe&, const Subscribe&) = default;
};

/// Effect: take the client out of the channel. Does nothing for a client that is not subscribed.
struct Unsubscribe {
    std::string channel;
    friend bool operator==(const Unsubscribe&, const Unsubscribe&) = default;
};

/// Effect: publish the event to the other subscribers of the channel.
struct PublishClientEvent {
    std::string channel;
    EventBody body;
    friend bool operator==(const PublishClientEvent&, const PublishClientEvent&) = default;
};

/// Effect: make the client known as this user. on_signed_in() follows when every node knows of the user and the client
/// is in the user's channel.
struct SignIn {
    std::string user;
    /// Ids of the watched users, as text.
    std::vector<std::string> watchlist;
    friend bool operator==(const SignIn&, const SignIn&) = default;
};
/// Close code: no answer to the server's ping.
inline constexpr std::uint16_t kPongMissing = 4201;
/// Close code: a connection without a subscription and without a message for kIdleTimeout.
inline constexpr std::uint16_t kInactive = 4202;

/// Effect: close the connection; frames sent before go out first.
struct Close {
    std::uint16_t code = 0;
    std::string reason;
    friend bool operator==(const Close&, const Close&) = default;
};

/// The kinds of refusals that the metrics count.
enum class Refused : std::uint8_t {
    kFrame,
    kAuth,
    kSubscription,
    kClientEvent,
    /// The signature was wrong, and the address had sent too many wrong signatures already.
    kThrottled,
};

/// Effect: count a refusal of the client's request in the metrics.
struct Count {
    Refused what = Refused::kFrame;
    friend bool operator==(const Count&, const Count&) = default;
};

/// Effect: read no further message of this connection until Resume. The client changes its subscriptions faster than
/// kSubscriptionsPerSecond.
struct Pause {
    friend bool operator==(const Pause&, const Pause&) = default;
};
/// Effect: read messages of this connection again.
struct Resume {
    friend bool operator==(const Resume&, const Resume&) = default;
};

using SessionEffect =
    std::variant<Send, Subscribe, Unsubscribe, PublishClientEvent, SignIn, Close, Count, Pause, Resume>;
using SessionEffects = std::vector<SessionEffect>;

/// The tables of the shard that a session looks things up in. A session never changes them.
struct ShardTables {
    const ChannelTable& channels;
    const PresenceRooms& rooms;
    /// The gate of the connection's address; null: never shut.
    const AuthGate* auth = nullptr;
};

/// How long a silent connection lives: after `activity` the client is to ping, after patience_of(activity) the server
/// pings, and `pong` later the connection is closed.
struct SessionTimeouts {
    Duration activity = kActivityTimeout;
    Duration pong = kPongTimeout;
};

/// A Pusher connection, from the first frame to the close: the state machine behind a single client.
///
/// Thread: confined to its shard.
/// Time:   `now` is an argument and must not go backwards.
/// Order:  run the appended effects in order; `out` is only appended to. After Close nothing more is appended.
/// Limits: kMaxChannelsPerConnection channels; kSubscriptionsPerSecond changes of subscriptions, past which the session
///         pauses the connection; client events as the app allows.
/// Errors: none. Every wrong message of the client is answered with a protocol error or, at worst, a close.
class Session {
public:
    /// `app` must outlive the session, or be replaced by set_app() before its end; `timeouts` must outlive the session.
    /// The session looks channels up in the shard's tables under `slot`.
    Session(const App& app, Slot slot, std::string socket_id, const SessionTimeouts& timeouts);

    /// The connection is open: greets the client. To be called once, first of all.
    void on_open(Instant now, SessionEffects& out);
    /// A text message has come from the client.
    void on_text(Instant now, std::string_view text, const ShardTables& tables, SessionEffects& out);
    /// A control frame has come: a sign of life. `is_answered`: the frame was a ping, and the WebSocket stream has
    /// answered.
    void on_activity(Instant now, bool is_answered = false);
    /// The connection is subscribed to a channel, and so of use however silent. The caller repeats the call as long as
    /// the subscription lasts.
    void on_in_use(Instant now) { last_use_ = now; }
    /// Does whatever is due: resumes reading, pings, or closes. To be called at next_deadline(); does nothing before.
    void on_deadline(Instant now, SessionEffects& out);
    /// The mesh has confirmed a subscription. `users`: the users of a presence channel; null for other channels.
    /// `history`: the answer to a HistoryWish, as JSON; empty without a wish.
    void on_subscribed(std::string_view channel, const PresenceRooms::Users* users, SessionEffects& out,
                       std::string_view history = {});
    /// The client's user was not taken into a presence channel, and the client is not subscribed.
    void on_turned_away(std::string_view channel, JoinRefusal reason, SessionEffects& out);
    /// The SignIn is complete.
    void on_signed_in(SessionEffects& out);
    /// The app ends all connections of the user: closes with 4009.
    void on_terminated(SessionEffects& out);
    /// An operator closes the connection: with 4200 for the client to connect again, or with 4009 for it to stay away.
    void on_kicked(bool reconnects, SessionEffects& out);
    /// The node has not accepted a client event of this connection, as the hub or the mesh has no room.
    void on_publish_refused(SessionEffects& out);
    /// A client event of this connection is larger than the bytes that may wait for a client. To be called only in
    /// place of carrying out a PublishClientEvent, and so never after Close.
    void on_event_too_large(std::string_view channel, SessionEffects& out);
    /// Messages for this client are lost, and the app has GapPolicy::kClose: closes with 4200, so that the client
    /// begins again.
    void on_loss(SessionEffects& out);
    /// The node is going away: closes with 4200, so that the client connects to another node.
    void on_drain(SessionEffects& out);

    /// The app has a new configuration. New limits hold from the next check on; granted subscriptions stay.
    void set_app(const App& app) { app_ = &app; }
    /// The app is removed or disabled: closes with 4001 or 4003.
    void on_app_withdrawn(AppFate fate, SessionEffects& out);

    /// When on_deadline() is due next.
    [[nodiscard]] Instant next_deadline() const;
    [[nodiscard]] const App& app() const { return *app_; }
    [[nodiscard]] const std::string& socket_id() const { return socket_id_; }
    /// The session has told the client to close, and the connection ends.
    [[nodiscard]] bool is_closed() const { return is_closed_; }
    /// The signed-in user; null for none. Valid until the next call of another function.
    [[nodiscard]] const Member* user() const { return user_.get(); }

private:
    // More fields than 15: one state machine of one client.
    /// Counts a subscription or an unsubscription, whatever its result, and pauses the connection when the allowance is
    /// used up.
    void pay_for_change(Instant now, SessionEffects& out);
    /// Answers pusher:subscribe.
    void subscribe(const ClientFrame& frame, const ShardTables& tables, SessionEffects& out);
    /// Answers pusher:unsubscribe. A client that leaves its user's own channel still gets events for the user.
    void unsubscribe(const ClientFrame& frame, SessionEffects& out);
    /// Answers pusher:signin.
    void sign_in(const ClientFrame& frame, const ShardTables& tables, SessionEffects& out);
    /// A failed sign-in closes the connection with 4009, as with Pusher.
    void fail_signin(Refused what, std::string_view reason, SessionEffects& out);
    /// True when `channel` is the server-to-user channel of the signed-in user.
    [[nodiscard]] bool is_own_channel(std::string_view channel) const;
    /// The user that a subscription brings to a presence channel: the user in channel_data, or else the signed-in user.
    [[nodiscard]] Result<Member, MemberErrc> member_for(const ClientFrame& frame) const;
    /// Answers a client event.
    void client_event(Instant now, ClientFrame& frame, const ShardTables& tables, SessionEffects& out);
    /// Why the subscription is refused; nothing when the client may subscribe.
    [[nodiscard]] std::optional<SubscriptionRefusal> check_subscription(const ClientFrame& frame,
                                                                        const ShardTables& tables) const;
    /// Counts a refusal and tells the client.
    void refuse_subscription(std::string_view channel, const SubscriptionRefusal& refusal, SessionEffects& out);
    /// Tells the client the reason and closes. Does nothing after a close.
    void close(std::uint16_t code, std::string_view message, SessionEffects& out);

    const App* app_;
    const SessionTimeouts* timeouts_;
    std::string socket_id_;
    /// When a frame of any kind last came from the client.
    Instant last_activity_{};
    /// When the server last sent a ping, a pong or the greeting. Events do not count, nor do confirmations by the mesh.
    Instant last_word_{};
    /// The end of the app's authorization_timeout; never, once the client is authorized.
    Instant authorize_by_ = Instant::max();
    /// The signed-in user; null: none.
    std::unique_ptr<const Member> user_;
    /// The user_data for the answer, until the sign-in is complete.
    std::string signing_in_;
    /// When the client last said more than a ping or pong, or was last known to be subscribed.
    Instant last_use_{};
    TokenBucket client_events_;
    /// Each change of subscriptions moves this time on by a thousandth of a second (1 s / kSubscriptionsPerSecond). The
    /// distance to the present is the used part of the burst.
    Instant changes_paid_until_{};
    /// When a paused connection is read again; never, when the connection is not paused.
    Instant resume_at_ = Instant::max();
    Slot slot_;
    /// The client has subscribed to its user's channel by name. The session is in the channel from the sign-in on, and
    /// tells the client of the channel only if the client wants so.
    bool wants_own_channel_ = false;
    /// The server has pinged, and nothing has come since.
    bool awaits_pong_ = false;
    bool is_closed_ = false;
};

/// The error frame and the close for a connection that is refused at its opening.
void refuse_connection(std::uint16_t code, std::string_view reason, SessionEffects& out);

}  // namespace tulle::node::pusher
