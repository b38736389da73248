#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tulle {

/// The codes of the Pusher protocol, as close codes of a connection and in error messages. The ranges decide the
/// client's reaction: action_on().
enum class ErrorCode : int {
    kTlsOnly = 4000,
    kUnknownApp = 4001,
    kAppDisabled = 4003,
    /// The app has reached its limit of connections.
    kOverQuota = 4004,
    kPathNotFound = 4005,
    kBadVersion = 4006,
    kProtocolUnsupported = 4007,
    kProtocolMissing = 4008,
    /// A sign-in was refused, came too late, or was ended by the application's server.
    kUnauthorized = 4009,
    /// The node is over capacity, or closed the connection of a slow client.
    kOverCapacity = 4100,
    /// The node is shutting down in order.
    kReconnect = 4200,
    kPongTimeout = 4201,
    kInactive = 4202,
    /// Too many client events, or an event too large or not allowed. An error message; the connection goes on.
    kClientEventRejected = 4301,
    /// The node watches the first 100 users of the list and ignores the others. An error message; the connection goes
    /// on.
    kWatchlistTooLong = 4302,
};

/// The client's reaction to the end of a connection.
enum class ErrorAction {
    /// A new try would be refused again. The state becomes kFailed.
    kGiveUp,
    /// Tries again, but not before `retry_delay_min` has passed.
    kBackOff,
    /// Tries the next server without a delay. After one round over all servers the reaction becomes kReconnect.
    kReconnectNow,
    /// Tries the next server after a random delay with a growing bound.
    kReconnect,
};

/// The named code; nothing for a number outside the protocol and for no number.
[[nodiscard]] std::optional<ErrorCode> error_code(std::optional<int> number);

/// The reaction to a close code. Pass nothing for a connection broken or never made.
[[nodiscard]] ErrorAction action_on(std::optional<int> close_code);

/// A short English description, for messages.
[[nodiscard]] std::string_view to_string(ErrorCode code);

/// An error without effect on the connection: an error message of the server, an unreadable frame, or an unsent client
/// event.
struct ClientError {
    /// The protocol's code, if the server gave a code. error_code() tells the meaning.
    std::optional<int> code;
    std::string message;
    /// The channel concerned; empty when the error concerns no channel.
    std::string channel;
};

}  // namespace tulle
