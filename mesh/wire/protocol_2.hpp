#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mesh/base/event_body.hpp"

/// Protocol 2, in which the body of a message was what followed the channel in a Pusher frame:
/// `,"event":…,"data":…,"user_id":…}`. Goes, with what calls it, when kOldestProtocolVersion is 3.
namespace tulle::mesh::wire::protocol_2 {

inline constexpr std::uint32_t kVersion = 2;

/// Nothing when protocol 2 cannot say it: data that are not JSON, or an end longer than a body may be.
[[nodiscard]] std::optional<std::string> tail_of(const EventBody& body);

/// Of an end that no node of protocol 2 makes, an event without a name and without data. As far as its peer, the node
/// has believed that what it says is JSON; so does this.
[[nodiscard]] EventBody body_of(std::string_view tail);

}  // namespace tulle::mesh::wire::protocol_2
