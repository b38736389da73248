#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "client/core/limits.hpp"
#include "client/core/message.hpp"
#include "mesh/base/result.hpp"

namespace tulle::client {

enum class DecodeErrc : std::uint8_t {
    kNotJson,    ///< not JSON, not UTF-8, or nested deeper than kMaxJsonDepth
    kNotObject,  ///< JSON, but not an object
    kNoEvent,    ///< no event name, or not a string
    kBadField,   ///< a field of a known event is missing or has the wrong type
};

[[nodiscard]] std::string_view describe(DecodeErrc error);

/// One text frame from the server. Internal event names are given to the application under their public name, as in
/// pusher-js: pusher_internal:member_added becomes pusher:member_added.
[[nodiscard]] Result<ServerMessage, DecodeErrc> decode(std::string_view text);

/// One text frame for the server. Bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string encode(const ClientMessage& message);

/// The data of a subscription error, as a server would write it.
[[nodiscard]] std::string subscription_error_data(std::string_view type, std::string_view error);

}  // namespace tulle::client
