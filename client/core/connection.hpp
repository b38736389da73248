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

struct ConnectionConfig {
    std::size_t servers = 1;
    Duration connect_timeout = 10s;
    Duration activity_timeout = 120s;  ///< the server's is taken when it is shorter
    Duration pong_timeout = 30s;
    ReconnectConfig reconnect;
    OpenSealed open_sealed = nullptr;  ///< not null when encrypted channels are wanted
};

/// The life of one client: connects to one of several servers, keeps the connection under watch, comes back elsewhere
/// when it is lost, signs in and subscribes again to all that is wanted.
///
/// Thread: confined to its owner. Time: `now` must not go backwards.
/// Order:  run the appended effects in order; `out` is only appended to.
/// Watch:  after activity_timeout without a message a ping is sent; after pong_timeout more the connection is given up.
/// Sign-in: goes before the private and presence channels. A presence channel for which the application names no user
///         is joined as the user who is signed in: it waits for a sign-in under way, and is refused without one.
/// Errors: a client event that cannot be sent now is reported, never kept: it would arrive out of its time.
class Connection {
public:
    Connection(ConnectionConfig config, Prng prng);

    void step(Instant now, const Input& input, Effects& out);
    /// When a Tick is due; nothing while there is nothing to wait for.
    [[nodiscard]] std::optional<Instant> next_deadline() const;
    [[nodiscard]] Phase phase() const { return phase_; }

private:
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

    void dial(Instant now, Effects& out);
    void lose(Instant now, std::optional<int> code, std::string reason, Effects& out);
    void drop(Instant now, std::optional<int> code, std::string reason, Effects& out);
    void forget_connection();
    void ask_for(const std::string& channel, Effects& out);
    void ask_server(const Authorized& answer, const std::string& user_id, Effects& out);
    void join_as_user(const Authorized& answer, Effects& out);
    void refuse(const std::string& channel, const std::string& data, const Fault& fault, Effects& out);
    void refuse_sign_in(std::optional<int> code, const std::string& reason, Effects& out);
    void deliver(ChannelEvent event, Effects& out);
    void deliver_from_server(ChannelEvent event, Effects& out);
    [[nodiscard]] bool live(DialId dial) const;

    ConnectionConfig config_;
    ReconnectPolicy policy_;
    SubscriptionBook book_;
    PresenceLists presence_;
    SealedChannels sealed_;
    UserSession user_;
    std::map<std::string, Authorized> awaiting_user_;  ///< presence channels that wait for the sign-in
    Phase phase_ = Phase::kIdle;
    DialId dial_;
    Attempt attempt_;
    Instant deadline_{};  ///< of the phase: connect timeout, next ping, pong, next try
    bool awaiting_pong_ = false;
    Duration activity_timeout_{};
    std::string socket_id_;
};

}  // namespace tulle::client
