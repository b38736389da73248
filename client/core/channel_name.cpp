#include "client/core/channel_name.hpp"

#include <algorithm>

#include "mesh/base/utf8.hpp"

namespace tulle::client {
namespace {

constexpr std::string_view kClientPrefix = "client-";

/// The alphabet of channel names, as the Pusher protocol defines the alphabet.
bool is_name_byte(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("_-=@,.;:").find(c) != std::string_view::npos;
}

}  // namespace

bool is_valid_channel_name(std::string_view name) {
    return !name.empty() && name.size() <= kMaxChannelNameBytes && std::all_of(name.begin(), name.end(), is_name_byte);
}

bool is_valid_event_name(std::string_view name) {
    return !name.empty() && characters_in(name) <= kMaxEventNameCharacters;
}

bool needs_auth(std::string_view channel) {
    return channel.starts_with("private-") || channel.starts_with("presence-");
}

bool is_presence(std::string_view channel) {
    return channel.starts_with("presence-");
}

bool is_encrypted(std::string_view channel) {
    return channel.starts_with("private-encrypted-");
}

bool allows_client_events(std::string_view channel) {
    return needs_auth(channel) && !is_encrypted(channel);
}

bool is_client_event(std::string_view name) {
    return is_valid_event_name(name) && name.starts_with(kClientPrefix) && name.size() > kClientPrefix.size();
}

bool is_server_event(std::string_view name) {
    return name.starts_with("pusher:") || name.starts_with("pusher_internal:") || name == "tulle:gap";
}

}  // namespace tulle::client
