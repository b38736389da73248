#pragma once

#include <functional>
#include <string>
#include <utility>

namespace tulle {

/// The answer of an authorizer. An empty `auth` means no.
struct ChannelAuth {
    ChannelAuth() = default;
    ChannelAuth(std::string auth_string, std::string data = {}, std::string secret = {})
        : auth(std::move(auth_string)), channel_data(std::move(data)), shared_secret(std::move(secret)) {}
    ChannelAuth(const char* auth_string) : auth(auth_string) {}

    std::string auth;
    /// The JSON that was signed, byte for byte. Presence channels: {"user_id","user_info"}; empty to join as the user
    /// who is signed in.
    std::string channel_data;
    /// Encrypted channels, which cannot do without: the channel's key in base64.
    std::string shared_secret;
};

/// Asked for private and presence channels, on every connection; for encrypted ones again when an event does not open
/// with the key they have. An exception counts as a refusal.
using Authorizer = std::function<ChannelAuth(const std::string& socket_id, const std::string& channel)>;

/// The answer of a user authenticator. An empty `auth` means no.
struct UserAuth {
    std::string auth;
    std::string user_data;  ///< the JSON that was signed, byte for byte: {"id","user_info","watchlist"}
};

/// Asked for a sign-in, on every connection. An exception counts as a refusal.
using UserAuthenticator = std::function<UserAuth(const std::string& socket_id)>;

/// What an application's server knows and its clients must not: only for servers and tests.
struct LocalCredentials {
    std::string app_key;
    std::string app_secret;
    std::string channel_data = {};                  ///< of presence channels
    std::string user_data = {};                     ///< of a sign-in
    std::string encryption_master_key_base64 = {};  ///< 32 bytes; without it encrypted channels are refused
};

/// Says yes to every channel. Throws std::invalid_argument when the master key is none.
[[nodiscard]] Authorizer local_authorizer(const LocalCredentials& credentials);

/// Signs `user_data` in.
[[nodiscard]] UserAuthenticator local_user_authenticator(const LocalCredentials& credentials);

}  // namespace tulle
