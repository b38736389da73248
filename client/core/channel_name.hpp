#pragma once

#include <string_view>

#include "client/core/limits.hpp"

namespace tulle::client {

/// True for 1 to kMaxChannelNameBytes bytes out of A-Z a-z 0-9 _ - = @ , . ; :
[[nodiscard]] bool is_valid_channel_name(std::string_view name);

/// True for 1 to kMaxEventNameCharacters code points.
[[nodiscard]] bool is_valid_event_name(std::string_view name);

/// True for private and presence channels: a subscription needs an auth string.
[[nodiscard]] bool needs_auth(std::string_view channel);

/// True for channels with a list of present users.
[[nodiscard]] bool is_presence(std::string_view channel);

/// True for private-encrypted-* channels: only clients with the channel's key can read the events.
[[nodiscard]] bool is_encrypted(std::string_view channel);

/// True where clients may trigger events: private and presence channels, except encrypted channels. The Pusher protocol
/// has no client events on encrypted channels.
[[nodiscard]] bool allows_client_events(std::string_view channel);

/// True for a valid name of a client event: "client-" and at least one more byte.
[[nodiscard]] bool is_client_event(std::string_view name);

/// True for the names of events made by servers only: "pusher:…", "pusher_internal:…" and "tulle:gap".
[[nodiscard]] bool is_server_event(std::string_view name);

}  // namespace tulle::client
