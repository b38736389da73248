#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mesh/base/event_body.hpp"

/// The form of bodies in protocol 2: the end of a Pusher frame behind the channel, `,"event":…,"data":…,"user_id":…}`.
/// The file and its callers can go when kOldestProtocolVersion becomes 3.
namespace tulle::mesh::wire::protocol_2 {

/// The version with the old form.
inline constexpr std::uint32_t kVersion = 2;

/// The body in the form of protocol 2. Nothing for a body without such a form: data other than JSON, or an end longer
/// than kMaxBodyBytes.
[[nodiscard]] std::optional<std::string> tail_of(const EventBody& body);

/// The body in a `tail`. A text not made by any node of protocol 2 becomes an event without a name and without data.
/// The data are not checked to be JSON: the node accepting the publish has checked the data, and nodes believe each
/// other.
[[nodiscard]] EventBody body_of(std::string_view tail);

}  // namespace tulle::mesh::wire::protocol_2
