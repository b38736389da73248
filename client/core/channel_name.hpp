#pragma once

#include <string_view>

#include "client/core/limits.hpp"

namespace tulle::client {

/// 1 to kMaxChannelNameBytes of A-Z a-z 0-9 _ - = @ , . ; :
[[nodiscard]] bool is_valid_channel_name(std::string_view name);

/// 1 to kMaxEventNameCharacters.
[[nodiscard]] bool is_valid_event_name(std::string_view name);

/// Private and presence channels, which ask for an auth string.
[[nodiscard]] bool needs_auth(std::string_view channel);

/// Channels that know who is there.
[[nodiscard]] bool is_presence(std::string_view channel);

/// Channels whose events only clients can read.
[[nodiscard]] bool is_encrypted(std::string_view channel);

/// Where clients may trigger events of their own: private and presence channels, not encrypted ones.
[[nodiscard]] bool allows_client_events(std::string_view channel);

/// The name of an event that a client may trigger: "client-" and at least one byte more.
[[nodiscard]] bool is_client_event(std::string_view name);

/// The name of an event that a server makes, and nobody publishes.
[[nodiscard]] bool is_server_event(std::string_view name);

}  // namespace tulle::client
