#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "client/core/limits.hpp"
#include "client/core/message.hpp"
#include "mesh/base/result.hpp"

namespace tulle::client {

/// The reasons for an unreadable frame.
enum class DecodeErrc : std::uint8_t {
    /// Not JSON, not UTF-8, or nested deeper than kMaxJsonDepth.
    kNotJson,
    /// JSON, but not an object.
    kNotObject,
    /// The event name is missing, empty or not a string.
    kNoEvent,
    /// A field of a known event is missing or has the wrong type.
    kBadField,
};

/// The error in words, for a log line.
[[nodiscard]] std::string_view describe(DecodeErrc error);

/// Decodes one text frame of the server. Internal event names become public names, as in pusher-js:
/// pusher_internal:member_added becomes pusher:member_added. Pure; any thread.
[[nodiscard]] Result<ServerMessage, DecodeErrc> decode(std::string_view text);

/// Encodes one text frame for the server. Bytes outside UTF-8 become U+FFFD, because a server closes the connection on
/// invalid UTF-8. Pure; any thread.
[[nodiscard]] std::string encode(const ClientMessage& message);

/// The data of a subscription error made by this client, in the form of a server: type, error, and status 401.
[[nodiscard]] std::string subscription_error_data(std::string_view type, std::string_view error);

}  // namespace tulle::client
