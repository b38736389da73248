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

/// The inputs and the effects of a Connection.
namespace tulle::client {

/// The number of a try to connect. Inputs of older tries are ignored.
using DialId = Strong<struct DialTag, std::uint64_t>;

enum class Phase : std::uint8_t {
    /// Before Start.
    kIdle,
    /// Dialling, until the server has named the connection.
    kConnecting,
    kConnected,
    /// Between two tries.
    kWaiting,
    /// Closed by the application.
    kClosed,
    /// Refused by a server, for good.
    kFailed,
};

// ---- inputs

/// Begins the first try.
struct Start {};
/// A decoded frame of the server.
struct Received {
    DialId dial;
    ServerMessage message;
};
/// The socket of the dial was closed, has broken, or was never connected. `code` is the server's close code.
struct Lost {
    DialId dial;
    std::optional<int> code;
    std::string reason;
};
/// The application has made a subscription. Each Want is matched by at most one Unwant.
struct Want {
    std::string channel;
};
/// The application has ended a subscription.
struct Unwant {
    std::string channel;
};
/// A client event of the application, for the present connection only.
struct Trigger {
    ClientEvent event;
};
/// The application's consent to an Authorize.
struct Authorized {
    DialId dial;
    SubscribeRequest request;
    /// The user named by channel_data: this client's user in a presence channel.
    std::string user_id;
    /// The key of an encrypted channel, kKeyBytes long.
    std::string key;
};
/// The application's refusal of an Authorize.
struct AuthorizationFailed {
    DialId dial;
    std::string channel;
    /// The data of the subscription error for the application.
    std::string data;
    /// The error in words.
    std::string reason;
};
/// The application wants the user signed in, on the present and on every later connection.
struct SignIn {};
/// The application's consent to an Authenticate.
struct Authenticated {
    DialId dial;
    SignInRequest request;
};
/// The application's refusal of an Authenticate.
struct AuthenticationFailed {
    DialId dial;
    std::string reason;
};
/// The time of next_deadline() has come.
struct Tick {};
/// The application ends the client, for good.
struct Close {};

using Input = std::variant<Start, Received, Lost, Want, Unwant, Trigger, Authorized, AuthorizationFailed, SignIn,
                           Authenticated, AuthenticationFailed, Tick, Close>;

// ---- effects

/// Open a socket to the server with the index `server`.
struct Dial {
    DialId dial;
    std::size_t server = 0;
    friend bool operator==(const Dial&, const Dial&) = default;
};
/// Close the socket at once, without a closing handshake.
struct Drop {
    DialId dial;
    friend bool operator==(const Drop&, const Drop&) = default;
};
/// Write the queued messages, then close with a closing handshake, within a short time. Lost follows, without effect.
struct Farewell {
    DialId dial;
    friend bool operator==(const Farewell&, const Farewell&) = default;
};
/// Write a message to the socket of the present dial.
struct Send {
    ClientMessage message;
    friend bool operator==(const Send&, const Send&) = default;
};
/// Ask the application about a channel. The answer is Authorized or AuthorizationFailed with the dial of the question.
struct Authorize {
    DialId dial;
    std::string socket_id;
    std::string channel;
    friend bool operator==(const Authorize&, const Authorize&) = default;
};
/// Ask the application about the sign-in. The answer is Authenticated or AuthenticationFailed with the dial of the
/// question.
struct Authenticate {
    DialId dial;
    std::string socket_id;
    friend bool operator==(const Authenticate&, const Authenticate&) = default;
};
/// Hand an event of a channel to the channel's handlers.
struct Deliver {
    ChannelEvent event;
    friend bool operator==(const Deliver&, const Deliver&) = default;
};
/// The user is signed in, and the user's own events arrive from here on.
struct ReportSignedIn {
    SignInSuccess user;
    friend bool operator==(const ReportSignedIn&, const ReportSignedIn&) = default;
};
/// The user is not signed in on the present connection.
struct ReportSignInRefused {
    /// The server's code; nothing when the application's authenticator refused.
    std::optional<int> code;
    std::string reason;
    friend bool operator==(const ReportSignInRefused&, const ReportSignInRefused&) = default;
};
/// Hand an event to the handlers of the signed-in user.
struct DeliverToUser {
    ChannelEvent event;
    friend bool operator==(const DeliverToUser&, const DeliverToUser&) = default;
};
/// Tell the handlers of the signed-in user about the watchlist.
struct DeliverWatchlist {
    WatchlistChange change;
    friend bool operator==(const DeliverWatchlist&, const DeliverWatchlist&) = default;
};
/// Tell the application about a new phase.
struct ReportState {
    Phase phase = Phase::kIdle;
    /// The server in use; in kWaiting the server of the next try.
    std::size_t server = 0;
    std::string socket_id;
    /// The reason for the end of the connection before.
    std::string reason;
    Duration retry_in{};
    /// The server's close code of the connection before.
    std::optional<int> code;
    friend bool operator==(const ReportState&, const ReportState&) = default;
};
/// Tell the application about an error without effect on the connection.
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
