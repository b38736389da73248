#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "node/core/channel_table.hpp"

namespace tulle::node {

enum class ChannelType : std::uint8_t { kPublic, kPrivate, kPrivateEncrypted, kPresence };

/// What the anchored prefix of a channel's name says about it.
struct ChannelKind {
    ChannelType type = ChannelType::kPublic;
    bool cache = false;

    [[nodiscard]] bool needs_auth() const { return type != ChannelType::kPublic; }
    /// Encrypted channels are out: the server could not tell a client's event from plain text.
    [[nodiscard]] bool allows_client_events() const {
        return type == ChannelType::kPrivate || type == ChannelType::kPresence;
    }
    friend bool operator==(const ChannelKind&, const ChannelKind&) = default;
};

[[nodiscard]] ChannelKind classify(std::string_view name);
/// What a channel of this name wants of the mesh.
[[nodiscard]] ChannelNeeds needs_of(std::string_view name);

/// 1 to kMaxChannelNameBytes of A-Z a-z 0-9 _ - = @ , . ; and, as Sockudo has it, the colon: so that a valid name needs
/// no escape in JSON, logs or keys.
[[nodiscard]] bool is_valid_channel_name(std::string_view name);

/// The channel of a user's own, "#server-to-user-ID": the id in it. Nothing for every other name. Ids hold any
/// characters, so that such a name may need escapes in JSON.
[[nodiscard]] std::optional<std::string_view> user_of_channel(std::string_view name);
/// The channel of a user's own, as above.
[[nodiscard]] std::string channel_of_user(std::string_view user);
/// 1 to kMaxSignInIdCharacters, in kMaxSignInIdBytes at most.
[[nodiscard]] bool is_valid_user_id(std::string_view id);

/// 1 to kMaxAppIdBytes of A-Z a-z 0-9 _ - (no '/', which ends the app id in a key).
[[nodiscard]] bool is_valid_app_id(std::string_view id);

/// The name of a channel in the mesh: "<app id>/<channel name>".
[[nodiscard]] std::string channel_key(std::string_view app_id, std::string_view channel);
/// The app id in a key; the whole text when it holds no '/'. Valid as long as `key` is.
[[nodiscard]] std::string_view app_of_key(std::string_view key);
/// The channel name in a key; the whole text when it holds no '/'. Valid as long as `key` is.
[[nodiscard]] std::string_view channel_of_key(std::string_view key);
/// Names that begin with '#' are not the app's to list or to read.
[[nodiscard]] bool is_internal_key(std::string_view key);

/// The presence channel of the mesh that a user is in while signed in: "<app id>/#online-ID". No client gets at it.
[[nodiscard]] std::string online_key(std::string_view app_id, std::string_view user);
/// The user of an online_key; nothing for every other key. Valid as long as `key` is.
[[nodiscard]] std::optional<std::string_view> user_of_online_key(std::string_view key);

}  // namespace tulle::node
