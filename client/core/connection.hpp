#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "client/core/presence.hpp"
#include "client/core/reconnect.hpp"
#include "client/core/sealed_channels.hpp"
#include "client/core/step.hpp"
#include "client/core/subscriptions.hpp"
#include "client/core/user_session.hpp"
#include "mesh/base/prng.hpp"
#include "mesh/base/time.hpp"

namespace tulle::client {

/// The settings of a Connection. Every duration is positive.
struct ConnectionConfig {
    /// The number of servers in the application's list.
    std::size_t servers = 1;
    /// From Dial until the server has named the connection.
    Duration connect_timeout = 10s;
    /// Silence before a ping. A shorter value from the server wins.
    Duration activity_timeout = 120s;
    /// Silence after a ping before the connection is given up.
    Duration pong_timeout = 30s;
    ReconnectConfig reconnect;
    /// Must not be null when encrypted channels are subscribed.
    OpenSealed open_sealed = nullptr;
};

/// The life of one client: connects to one of several servers, watches the connection, reconnects after a loss, signs
/// in, and renews the subscription of every wanted channel.
///
/// Thread:  confined to its owner.
/// Time:    `now` must not go backwards.
/// Order:   run the appended effects in order; `out` is only appended to.
/// Watch:   after `activity_timeout` without a message the connection sends a ping. After another `pong_timeout` of
///          silence the connection is given up.
/// Sign-in: precedes the private and presence channels. A presence channel without a user from the application is
///          joined as the signed-in user. Such a channel waits for a sign-in under way, and is refused without a
///          sign-in.
/// Limits:  in limits.hpp. The owner bounds the number of wanted channels.
/// Errors:  a client event for a channel not subscribed at present is reported and dropped, because an event kept for
///          later would arrive out of its time.
class Connection {
public:
    /// REQUIRES: at least one server, 0 < `delay_min` <= `delay_max`. Nothing happens before Start.
    Connection(ConnectionConfig config, Prng prng);

    /// Handles one input. Start is allowed once, as the first input. An input about an older dial has no effect.
    void step(Instant now, const Input& input, Effects& out);
    /// The time of the next Tick; nothing in the phases without a deadline. An early Tick has no effect.
    [[nodiscard]] std::optional<Instant> next_deadline() const;
    [[nodiscard]] Phase phase() const { return phase_; }

private:
    // One handler for each input. connection.cpp has the handlers of the life, connection_channels.cpp the others.
    void on(Instant now, const Start& input, Effects& out);
    void on(Instant now, const Received& input, Effects& out);
    void on(Instant now, const Lost& input, Effects& out);
    void on(Instant now, const Want& input, Effects& out);
    void on(Instant now, const Unwant& input, Effects& out);
    void on(Instant now, const Trigger& input, Effects& out);
    void on(Instant now, const Authorized& input, Effects& out);
    void on(Instant now, const AuthorizationFailed& input, Effects& out);
    void on(Instant now, const SignIn& input, Effects& out);
    void on(Instant now, const Authenticated& input, Effects& out);
    void on(Instant now, const AuthenticationFailed& input, Effects& out);
    void on(Instant now, const Tick& input, Effects& out);
    void on(Instant now, const Close& input, Effects& out);

    // One handler for each message of the live connection.
    void message(Instant now, const Established& message, Effects& out);
    void message(Instant now, const Ping& message, Effects& out);
    void message(Instant now, const Pong& message, Effects& out);
    void message(Instant now, const ServerError& message, Effects& out);
    void message(Instant now, const SubscriptionSucceeded& message, Effects& out);
    void message(Instant now, const SubscriptionError& message, Effects& out);
    void message(Instant now, const ChannelEvent& message, Effects& out);
    void message(Instant now, const SignInSuccess& message, Effects& out);
    void message(Instant now, const WatchlistEvents& message, Effects& out);
    void message(Instant now, const Unknown& message, Effects& out);

    /// Begins the next try, at the server of `attempt_`.
    void dial(Instant now, Effects& out);
    /// Handles the end of the connection. The close code decides between kFailed, kWaiting and an immediate dial.
    void lose(Instant now, std::optional<int> code, std::string reason, Effects& out);
    /// Closes the socket from this side, then handles the loss.
    void drop(Instant now, std::optional<int> code, std::string reason, Effects& out);
    /// Forgets all state of the present connection. The wanted channels and the wish to sign in remain.
    void forget_connection();
    /// Begins the subscription of a channel: asks the application for an auth string, or the server directly.
    void ask_for(const std::string& channel, Effects& out);
    /// Sends the authorized subscription. `user_id` is this client's user in a presence channel.
    void ask_server(const Authorized& answer, const std::string& user_id, Effects& out);
    /// Subscribes to a presence channel as the signed-in user, now or after the sign-in under way.
    void join_as_user(const Authorized& answer, Effects& out);
    /// Marks a channel as refused until the next connection, and tells the application.
    void refuse(const std::string& channel, const std::string& data, const Fault& fault, Effects& out);
    /// Ends the sign-in, and refuses every channel waiting for the user.
    void refuse_sign_in(std::optional<int> code, const std::string& reason, Effects& out);
    /// Hands an event of a wanted channel to the application, decrypted if the channel is encrypted.
    void deliver(ChannelEvent event, Effects& out);
    /// Hands an event made by the server to the application, and keeps the list of a presence channel up to date.
    void deliver_from_server(ChannelEvent event, Effects& out);
    /// True when `dial` is the present try and the try has not ended.
    [[nodiscard]] bool live(DialId dial) const;

    ConnectionConfig config_;
    ReconnectPolicy policy_;
    SubscriptionBook book_;
    PresenceLists presence_;
    SealedChannels sealed_;
    UserSession user_;
    /// Authorized presence channels waiting for the sign-in.
    std::map<std::string, Authorized> awaiting_user_;
    Phase phase_ = Phase::kIdle;
    /// The present or last try. Every try has a number of its own.
    DialId dial_;
    Attempt attempt_;
    /// The deadline of the present phase: connect timeout, next ping, missing pong, or next try.
    Instant deadline_{};
    bool awaiting_pong_ = false;
    Duration activity_timeout_{};
    std::string socket_id_;
};

}  // namespace tulle::client
