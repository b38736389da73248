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

/// Send this text frame to the client.
struct Send {
    std::string text;
    friend bool operator==(const Send&, const Send&) = default;
};

/// Enter the client into this channel; on_subscribed follows when the mesh has confirmed. `channel` is the bare name.
struct Subscribe {
    std::string channel;
    std::optional<Member> member = {};  ///< of a presence channel
    friend bool operator==(const Subscribe&, const Subscribe&) = default;
};

struct Unsubscribe {
    std::string channel;
    friend bool operator==(const Unsubscribe&, const Unsubscribe&) = default;
};

/// Publish to the channel's other subscribers.
struct PublishClientEvent {
    std::string channel;
    EventBody body;
    friend bool operator==(const PublishClientEvent&, const PublishClientEvent&) = default;
};

/// Make the client known as this user; on_signed_in follows when the mesh has it, and the client is in the user's
/// channel.
struct SignIn {
    std::string user;
    std::vector<std::string> watchlist;
    friend bool operator==(const SignIn&, const SignIn&) = default;
};
inline constexpr std::uint16_t kPongMissing = 4201;
inline constexpr std::uint16_t kInactive = 4202;

/// Close the connection; what was sent before goes out first.
struct Close {
    std::uint16_t code = 0;
    std::string reason;
    friend bool operator==(const Close&, const Close&) = default;
};

enum class Refused : std::uint8_t {
    kFrame,
    kAuth,
    kSubscription,
    kClientEvent,
    kThrottled,  ///< nobody has looked at its signature: too many wrong ones came from its address
};

/// Something of the client's was refused: for the metrics.
struct Count {
    Refused what = Refused::kFrame;
    friend bool operator==(const Count&, const Count&) = default;
};

/// Of this connection no further message is to be read until Resume: it changes its subscriptions faster than it may.
struct Pause {
    friend bool operator==(const Pause&, const Pause&) = default;
};
struct Resume {
    friend bool operator==(const Resume&, const Resume&) = default;
};

using SessionEffect =
    std::variant<Send, Subscribe, Unsubscribe, PublishClientEvent, SignIn, Close, Count, Pause, Resume>;
using SessionEffects = std::vector<SessionEffect>;

/// What a session looks up in its shard.
struct ShardTables {
    const ChannelTable& channels;
    const PresenceRooms& rooms;
    const AuthGate* auth = nullptr;  ///< of the connection's address; null: never shut
};

struct SessionTimeouts {
    Duration activity = kActivityTimeout;
    Duration pong = kPongTimeout;
};

/// One Pusher connection: from the first frame to the close.
///
/// Thread: confined to its shard.
/// Time:   `now` is an argument and must not go backwards.
/// Order:  run the appended effects in order; `out` is only appended to. After Close nothing more is appended.
/// Errors: none. Whatever the client sends is answered with a protocol error at worst.
class Session {
public:
    /// `app` must outlive the session, or be replaced by set_app. Channels are looked up in the shard's tables, under
    /// `slot`.
    Session(const App& app, Slot slot, std::string socket_id, const SessionTimeouts& timeouts);

    void on_open(Instant now, SessionEffects& out);
    void on_text(Instant now, std::string_view text, const ShardTables& tables, SessionEffects& out);
    /// A control frame came: as good as any other sign of life. `is_answered`: a ping, which the WebSocket stream
    /// answers.
    void on_activity(Instant now, bool is_answered = false);
    /// It is subscribed to something: of use, however silent.
    void on_in_use(Instant now) { last_use_ = now; }
    void on_deadline(Instant now, SessionEffects& out);
    /// `users`: of a presence channel; else null.
    void on_subscribed(std::string_view channel, const PresenceRooms::Users* users, SessionEffects& out);
    /// The user that it brought to a presence channel was not taken in.
    void on_turned_away(std::string_view channel, JoinRefusal reason, SessionEffects& out);
    void on_signed_in(SessionEffects& out);
    /// The app ends all connections of the user.
    void on_terminated(SessionEffects& out);
    /// A client event of this connection was not accepted by the node.
    void on_publish_refused(SessionEffects& out);
    /// A client event of this connection is larger than what may wait for a client.
    void on_event_too_large(std::string_view channel, SessionEffects& out);
    /// Messages for this client are lost, and its app wants it to begin anew.
    void on_loss(SessionEffects& out);
    /// The node is going away.
    void on_drain(SessionEffects& out);

    /// Its app has been configured anew: what it allows holds from the next check on.
    void set_app(const App& app) { app_ = &app; }
    /// Its app is not served any more.
    void on_app_withdrawn(AppFate fate, SessionEffects& out);

    [[nodiscard]] Instant next_deadline() const;
    [[nodiscard]] const App& app() const { return *app_; }
    [[nodiscard]] const std::string& socket_id() const { return socket_id_; }

private:
    // More fields than 15: one state machine of one client.
    /// A subscription or its end, whatever comes of it.
    void pay_for_change(Instant now, SessionEffects& out);
    void subscribe(const ClientFrame& frame, const ShardTables& tables, SessionEffects& out);
    void unsubscribe(const ClientFrame& frame, SessionEffects& out);
    void sign_in(const ClientFrame& frame, const ShardTables& tables, SessionEffects& out);
    void fail_signin(Refused what, std::string_view reason, SessionEffects& out);
    [[nodiscard]] bool is_own_channel(std::string_view channel) const;
    /// Whom a subscription brings to a presence channel: channel_data's user, or else who has signed in.
    [[nodiscard]] Result<Member, MemberErrc> member_for(const ClientFrame& frame) const;
    void client_event(Instant now, ClientFrame& frame, const ShardTables& tables, SessionEffects& out);
    [[nodiscard]] std::optional<SubscriptionRefusal> check_subscription(const ClientFrame& frame,
                                                                        const ShardTables& tables) const;
    void refuse_subscription(std::string_view channel, const SubscriptionRefusal& refusal, SessionEffects& out);
    void close(std::uint16_t code, std::string_view message, SessionEffects& out);

    const App* app_;
    const SessionTimeouts* timeouts_;
    std::string socket_id_;
    Instant last_activity_{};
    Instant last_word_{};  ///< to the client, but for events and what the mesh confirms; at best a pong
    Instant authorize_by_ = Instant::max();
    std::unique_ptr<const Member> user_;  ///< who has signed in
    std::string signing_in_;              ///< user_data, until it is answered
    Instant last_use_{};                  ///< when it last said more than a ping or pong, or was subscribed
    TokenBucket client_events_;
    Instant changes_paid_until_{};        ///< each change of its subscriptions takes its share of a second
    Instant resume_at_ = Instant::max();  ///< it is paused until then
    Slot slot_;
    /// the client has subscribed to its user's channel, in which it is from its sign-in on
    bool wants_own_channel_ = false;
    bool awaits_pong_ = false;
    bool is_closed_ = false;
};

/// The frames and the close of a connection that was refused at its opening.
void refuse_connection(std::uint16_t code, std::string_view reason, SessionEffects& out);

}  // namespace tulle::node::pusher
