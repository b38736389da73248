#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "node/core/channel_table.hpp"

namespace tulle::node {

/// Who may subscribe, by the prefix of the channel's name. Every type but kPublic needs a signature of the app.
enum class ChannelType : std::uint8_t { kPublic, kPrivate, kPrivateEncrypted, kPresence };

/// All that the prefix of a channel's name says: the type, and whether the channel keeps its last event.
struct ChannelKind {
    ChannelType type = ChannelType::kPublic;
    /// The channel keeps its last event for later subscribers.
    bool cache = false;

    [[nodiscard]] bool needs_auth() const { return type != ChannelType::kPublic; }
    /// Encrypted channels are left out: the server could not tell a client's event from plain text.
    [[nodiscard]] bool allows_client_events() const {
        return type == ChannelType::kPrivate || type == ChannelType::kPresence;
    }
    friend bool operator==(const ChannelKind&, const ChannelKind&) = default;
};

/// The kind of the channel `name`. Never fails: a name without a known prefix is a public channel.
[[nodiscard]] ChannelKind classify(std::string_view name);
/// The services that the mesh must give to the channel `name`: the list of members, the last event, or neither.
[[nodiscard]] ChannelNeeds needs_of(std::string_view name);

/// True for 1 to kMaxChannelNameBytes of A-Z a-z 0-9 _ - = @ , . ; and the colon. Pusher does not allow the colon;
/// Sockudo does. With these characters a valid name needs no escape in JSON, in logs or in keys.
[[nodiscard]] bool is_valid_channel_name(std::string_view name);

/// The user's id in the name of a user's own channel, "#server-to-user-ID". Nothing for every other name and for an
/// invalid id. An id may hold any characters, so the name of such a channel may need escapes in JSON. The view is valid
/// as long as `name`.
[[nodiscard]] std::optional<std::string_view> user_of_channel(std::string_view name);
/// The name of a user's own channel: the inverse of user_of_channel().
[[nodiscard]] std::string channel_of_user(std::string_view user);
/// True for an id of 1 to kMaxSignInIdCharacters code points in at most kMaxSignInIdBytes bytes.
[[nodiscard]] bool is_valid_user_id(std::string_view id);

/// True for 1 to kMaxAppIdBytes of A-Z a-z 0-9 _ - . A '/' is not allowed, as '/' ends the app id in a key.
[[nodiscard]] bool is_valid_app_id(std::string_view id);

/// The name of a channel in the mesh: "<app id>/<channel name>".
[[nodiscard]] std::string channel_key(std::string_view app_id, std::string_view channel);
/// The app id in a key; the whole text when the key holds no '/'. The view is valid as long as `key`.
[[nodiscard]] std::string_view app_of_key(std::string_view key);
/// The channel name in a key; the whole text when the key holds no '/'. The view is valid as long as `key`.
[[nodiscard]] std::string_view channel_of_key(std::string_view key);
/// True when the channel name begins with '#'. Internal channels belong to the server: an app can neither list nor read
/// them.
[[nodiscard]] bool is_internal_key(std::string_view key);

/// The key of the internal presence channel that holds a user while the user is signed in: "<app id>/#online-ID".
/// Clients cannot subscribe to the channel.
[[nodiscard]] std::string online_key(std::string_view app_id, std::string_view user);
/// The user in a key made by online_key(); nothing for every other key. The view is valid as long as `key`.
[[nodiscard]] std::optional<std::string_view> user_of_online_key(std::string_view key);

}  // namespace tulle::node
