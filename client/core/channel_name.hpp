#pragma once

#include <cstddef>
#include <string_view>

namespace tulle::client {

inline constexpr std::size_t kMaxChannelNameBytes = 200;
inline constexpr std::size_t kMaxEventNameBytes = 200;

/// 1 to kMaxChannelNameBytes of A-Z a-z 0-9 _ - = @ , . ;
[[nodiscard]] bool is_valid_channel_name(std::string_view name);

/// 1 to kMaxEventNameBytes.
[[nodiscard]] bool is_valid_event_name(std::string_view name);

/// Private and presence channels, which ask for an auth string.
[[nodiscard]] bool needs_auth(std::string_view channel);

/// Where clients may trigger events of their own: private and presence channels, not encrypted ones.
[[nodiscard]] bool allows_client_events(std::string_view channel);

/// The name of an event that a client may trigger: "client-" and at least one byte more.
[[nodiscard]] bool is_client_event(std::string_view name);

}  // namespace tulle::client
