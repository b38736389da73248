#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "client/core/message.hpp"
#include "client/core/reconnect.hpp"
#include "client/core/subscriptions.hpp"
#include "mesh/base/prng.hpp"
#include "mesh/base/strong.hpp"
#include "mesh/base/time.hpp"

namespace tulle::client {

/// One try to connect. What comes from an older one is ignored.
using DialId = Strong<struct DialTag, std::uint64_t>;

enum class Phase : std::uint8_t {
    kIdle,        ///< not started
    kConnecting,  ///< dialling, until the server has named the connection
    kConnected,
    kWaiting,  ///< until the next try
    kClosed,   ///< by the application
    kFailed,   ///< for good: the server has said that it will not have us
};

struct ConnectionConfig {
    std::size_t servers = 1;
    Duration connect_timeout = 10s;
    Duration activity_timeout = 120s;  ///< the server's is taken when it is shorter
    Duration pong_timeout = 30s;
    ReconnectConfig reconnect;
};

// ---- inputs
// ----------------------------------------------------------------------------------------------------------

struct Start {};
struct Received {
    DialId dial;
    ServerMessage message;
};
/// The socket of this dial has closed, broken or never come to be.
struct Lost {
    DialId dial;
    std::optional<int> code;
    std::string reason;
};
struct Want {
    std::string channel;
};
struct Unwant {
    std::string channel;
};
struct Trigger {
    ClientEvent event;
};
struct Authorized {
    DialId dial;
    SubscribeRequest request;
};
struct AuthorizationFailed {
    DialId dial;
    std::string channel;
    std::string data;  ///< for the subscription error that the application sees
};
struct Tick {};
struct Close {};

using Input = std::variant<Start, Received, Lost, Want, Unwant, Trigger, Authorized, AuthorizationFailed, Tick, Close>;

// ---- effects
// ---------------------------------------------------------------------------------------------------------

struct Dial {
    DialId dial;
    std::size_t server = 0;
    friend bool operator==(const Dial&, const Dial&) = default;
};
/// Close the socket without ceremony.
struct Drop {
    DialId dial;
    friend bool operator==(const Drop&, const Drop&) = default;
};
/// Write what is queued, close in good order, within a short time.
struct Farewell {
    DialId dial;
    friend bool operator==(const Farewell&, const Farewell&) = default;
};
struct Send {
    ClientMessage message;
    friend bool operator==(const Send&, const Send&) = default;
};
/// Ask the application; answered by Authorized or AuthorizationFailed with the same dial.
struct Authorize {
    DialId dial;
    std::string socket_id;
    std::string channel;
    friend bool operator==(const Authorize&, const Authorize&) = default;
};
struct Deliver {
    ChannelEvent event;
    friend bool operator==(const Deliver&, const Deliver&) = default;
};
struct ReportState {
    Phase phase = Phase::kIdle;
    std::size_t server = 0;  ///< in use; while waiting: the next to be tried
    std::string socket_id;
    std::string reason;  ///< why the connection before has ended
    Duration retry_in{};
    friend bool operator==(const ReportState&, const ReportState&) = default;
};
struct ReportError {
    std::optional<int> code;
    std::string message;
    std::string channel;
    friend bool operator==(const ReportError&, const ReportError&) = default;
};

using Effect = std::variant<Dial, Drop, Farewell, Send, Authorize, Deliver, ReportState, ReportError>;
using Effects = std::vector<Effect>;

/// The life of one client: connects to one of several servers, keeps the connection under watch, comes back elsewhere
/// when it is lost, and subscribes again to all that is wanted.
///
/// Thread: confined to its owner. Time: `now` must not go backwards.
/// Order:  run the appended effects in order; `out` is only appended to.
/// Watch:  after activity_timeout without a message a ping is sent; after pong_timeout more the connection is given up.
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
    void on(Instant now, const Tick& input, Effects& out);
    void on(Instant now, const Close& input, Effects& out);

    void message(Instant now, const Established& message, Effects& out);
    void message(Instant now, const Ping& message, Effects& out);
    void message(Instant now, const Pong& message, Effects& out);
    void message(Instant now, const ServerError& message, Effects& out);
    void message(Instant now, const SubscriptionSucceeded& message, Effects& out);
    void message(Instant now, const SubscriptionError& message, Effects& out);
    void message(Instant now, const ChannelEvent& message, Effects& out);
    void message(Instant now, const Unknown& message, Effects& out);

    void dial(Instant now, Effects& out);
    void lose(Instant now, std::optional<int> code, std::string reason, Effects& out);
    void drop(Instant now, std::optional<int> code, std::string reason, Effects& out);
    void ask_for(const std::string& channel, Effects& out);
    [[nodiscard]] bool live(DialId dial) const;

    ConnectionConfig config_;
    ReconnectPolicy policy_;
    SubscriptionBook book_;
    Phase phase_ = Phase::kIdle;
    DialId dial_;
    Attempt attempt_;
    Instant deadline_{};  ///< of the phase: connect timeout, next ping, pong, next try
    bool awaiting_pong_ = false;
    Duration activity_timeout_{};
    std::string socket_id_;
};

}  // namespace tulle::client
