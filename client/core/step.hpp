#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "client/core/message.hpp"
#include "mesh/base/strong.hpp"
#include "mesh/base/time.hpp"

/// What goes into a Connection, and what comes out of it.
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

// ---- inputs

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
    std::string user_id;  ///< of channel_data: who we are in a presence channel
    std::string key;      ///< of an encrypted channel, kKeyBytes of it
};
struct AuthorizationFailed {
    DialId dial;
    std::string channel;
    std::string data;    ///< for the subscription error that the application sees
    std::string reason;  ///< the same in words
};
/// The application wants to be signed in, from now on and on every connection.
struct SignIn {};
struct Authenticated {
    DialId dial;
    SignInRequest request;
};
struct AuthenticationFailed {
    DialId dial;
    std::string reason;
};
struct Tick {};
struct Close {};

using Input = std::variant<Start, Received, Lost, Want, Unwant, Trigger, Authorized, AuthorizationFailed, SignIn,
                           Authenticated, AuthenticationFailed, Tick, Close>;

// ---- effects

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
/// Ask the application; answered by Authenticated or AuthenticationFailed with the same dial.
struct Authenticate {
    DialId dial;
    std::string socket_id;
    friend bool operator==(const Authenticate&, const Authenticate&) = default;
};
struct Deliver {
    ChannelEvent event;
    friend bool operator==(const Deliver&, const Deliver&) = default;
};
/// Signed in, and the events for this user arrive from now on.
struct ReportSignedIn {
    SignInSuccess user;
    friend bool operator==(const ReportSignedIn&, const ReportSignedIn&) = default;
};
/// Not signed in, on this connection.
struct ReportSignInRefused {
    std::optional<int> code;  ///< of the server; nothing when the application's authenticator refused
    std::string reason;
    friend bool operator==(const ReportSignInRefused&, const ReportSignInRefused&) = default;
};
struct DeliverToUser {
    ChannelEvent event;
    friend bool operator==(const DeliverToUser&, const DeliverToUser&) = default;
};
struct DeliverWatchlist {
    WatchlistChange change;
    friend bool operator==(const DeliverWatchlist&, const DeliverWatchlist&) = default;
};
struct ReportState {
    Phase phase = Phase::kIdle;
    std::size_t server = 0;  ///< in use; while waiting: the next to be tried
    std::string socket_id;
    std::string reason;  ///< why the connection before has ended
    Duration retry_in{};
    std::optional<int> code;  ///< by which the server has ended it
    friend bool operator==(const ReportState&, const ReportState&) = default;
};
struct ReportError {
    std::optional<int> code;
    std::string message;
    std::string channel;
    friend bool operator==(const ReportError&, const ReportError&) = default;
};

using Effect = std::variant<Dial, Drop, Farewell, Send, Authorize, Authenticate, Deliver, ReportSignedIn,
                            ReportSignInRefused, DeliverToUser, DeliverWatchlist, ReportState, ReportError>;
using Effects = std::vector<Effect>;

}  // namespace tulle::client
