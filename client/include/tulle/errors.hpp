#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tulle {

/// The codes of the Pusher protocol, as close codes and in errors.
enum class ErrorCode : int {
    kTlsOnly = 4000,
    kUnknownApp = 4001,
    kAppDisabled = 4003,
    kOverQuota = 4004,  ///< the app has as many connections as it may
    kPathNotFound = 4005,
    kBadVersion = 4006,
    kProtocolUnsupported = 4007,
    kProtocolMissing = 4008,
    kUnauthorized = 4009,  ///< a sign-in refused, too late, or ended by the application's server
    kOverCapacity = 4100,  ///< also: this client was too slow
    kReconnect = 4200,     ///< the node is going away
    kPongTimeout = 4201,
    kInactive = 4202,
    kClientEventRejected = 4301,
    kWatchlistTooLong = 4302,  ///< the first 100 users of it are watched
};

/// What the client does when a connection ends by a code.
enum class ErrorAction {
    kGiveUp,        ///< it would be refused again: the state is kFailed
    kBackOff,       ///< comes back, but not soon
    kReconnectNow,  ///< comes back at once, elsewhere where it can
    kReconnect,     ///< comes back after a random delay that grows
};

/// Nothing for a number that the protocol does not have.
[[nodiscard]] std::optional<ErrorCode> error_code(std::optional<int> number);

/// By the range of the code; nothing stands for a connection that broke, or was never made.
[[nodiscard]] ErrorAction action_on(std::optional<int> close_code);

/// In words.
[[nodiscard]] std::string_view to_string(ErrorCode code);

/// An error that does not end the connection: what the server reports, a frame that makes no sense, a client event that
/// could not be sent.
struct ClientError {
    std::optional<int> code;  ///< of the protocol, when the server gave one: error_code() has its meaning
    std::string message;
    std::string channel;  ///< empty when it is about none
};

}  // namespace tulle
