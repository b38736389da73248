#include "node/pusher/core/channel_name.hpp"

#include <algorithm>
#include <array>

#include "mesh/base/utf8.hpp"
#include "node/pusher/core/limits.hpp"

namespace tulle::node {
namespace {

/// Pusher's name of the channel that holds the connections of a signed-in user.
constexpr std::string_view kUserChannelPrefix = "#server-to-user-";
/// A name of Tulle alone. Clients cannot subscribe to the channel, as '#' is no channel character.
constexpr std::string_view kOnlinePrefix = "#online-";

constexpr bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// A table by byte: every character of every incoming name is looked up.
constexpr std::array<bool, 256> kChannelChars = [] {
    std::array<bool, 256> is_in{};
    for (std::size_t i = 0; i < is_in.size(); ++i) {
        const char c = static_cast<char>(i);
        is_in[i] = is_alphanumeric(c) || std::string_view("_-=@,.;:").find(c) != std::string_view::npos;
    }
    return is_in;
}();

bool is_channel_char(char c) {
    return kChannelChars[static_cast<unsigned char>(c)];
}

/// A prefix of channel names and its meaning.
struct Prefix {
    std::string_view text;
    ChannelKind kind;
};

/// A prefix stands before every shorter prefix of itself, as the first match counts.
constexpr Prefix kPrefixes[] = {
    {"private-encrypted-cache-", {ChannelType::kPrivateEncrypted, true}},
    {"private-encrypted-", {ChannelType::kPrivateEncrypted, false}},
    {"private-cache-", {ChannelType::kPrivate, true}},
    {"private-", {ChannelType::kPrivate, false}},
    {"presence-cache-", {ChannelType::kPresence, true}},
    {"presence-", {ChannelType::kPresence, false}},
    {"cache-", {ChannelType::kPublic, true}},
};

}  // namespace

ChannelKind classify(std::string_view name) {
    for (const Prefix& prefix : kPrefixes) {
        if (name.starts_with(prefix.text)) {
            return prefix.kind;
        }
    }
    return {};
}

ChannelNeeds needs_of(std::string_view name) {
    const ChannelKind kind = classify(name);
    return {kind.type == ChannelType::kPresence, kind.cache};
}

bool is_valid_channel_name(std::string_view name) {
    return !name.empty() && name.size() <= kMaxChannelNameBytes &&
           std::all_of(name.begin(), name.end(), is_channel_char);
}

std::optional<std::string_view> user_of_channel(std::string_view name) {
    if (!name.starts_with(kUserChannelPrefix) || !is_valid_user_id(name.substr(kUserChannelPrefix.size()))) {
        return std::nullopt;
    }
    return name.substr(kUserChannelPrefix.size());
}

std::string channel_of_user(std::string_view user) {
    return std::string(kUserChannelPrefix).append(user);
}

bool is_valid_user_id(std::string_view id) {
    return !id.empty() && id.size() <= kMaxSignInIdBytes && characters_in(id) <= kMaxSignInIdCharacters;
}

bool is_valid_app_id(std::string_view id) {
    return !id.empty() && id.size() <= kMaxAppIdBytes &&
           std::all_of(id.begin(), id.end(), [](char c) { return is_alphanumeric(c) || c == '_' || c == '-'; });
}

std::string channel_key(std::string_view app_id, std::string_view channel) {
    std::string key;
    key.reserve(app_id.size() + 1 + channel.size());
    key.append(app_id).append(1, '/').append(channel);
    return key;
}

std::string_view app_of_key(std::string_view key) {
    return key.substr(0, key.find('/'));
}

std::string_view channel_of_key(std::string_view key) {
    const std::size_t slash = key.find('/');
    return slash == std::string_view::npos ? key : key.substr(slash + 1);
}

bool is_internal_key(std::string_view key) {
    return channel_of_key(key).starts_with('#');
}

std::string online_key(std::string_view app_id, std::string_view user) {
    return channel_key(app_id, std::string(kOnlinePrefix).append(user));
}

std::optional<std::string_view> user_of_online_key(std::string_view key) {
    const std::string_view name = channel_of_key(key);
    return name.starts_with(kOnlinePrefix) ? std::optional(name.substr(kOnlinePrefix.size())) : std::nullopt;
}

}  // namespace tulle::node
