#pragma once

#include <functional>
#include <string>
#include <utility>

namespace tulle {

/// The answer of an authorizer. An empty `auth` means: refused.
///
/// A string converts to a ChannelAuth, so an authorizer of a private channel may return the auth string alone.
struct ChannelAuth {
    ChannelAuth() = default;
    ChannelAuth(std::string auth_string, std::string data = {}, std::string secret = {})
        : auth(std::move(auth_string)), channel_data(std::move(data)), shared_secret(std::move(secret)) {}
    ChannelAuth(const char* auth_string) : auth(auth_string) {}

    /// "KEY:SIGNATURE", as sign_channel() makes the string.
    std::string auth;
    /// The signed JSON, byte for byte. For presence channels: {"user_id","user_info"}. An empty text joins a presence
    /// channel as the signed-in user. Text without a user_id counts as a refusal.
    std::string channel_data;
    /// The channel's key, 32 bytes in base64. Encrypted channels need the key: without a valid key the answer counts as
    /// a refusal. Other channels ignore the field.
    std::string shared_secret;
};

/// The application's decision about a private or presence channel. `socket_id` names the present connection; the
/// signature must cover the socket id.
///
/// The client asks on every connection, and asks again for an encrypted channel when an event does not open with the
/// known key.
/// Thread: the client's own. The client reads and writes nothing before the function returns, so the function should be
///         quick.
/// Errors: an exception counts as a refusal.
using Authorizer = std::function<ChannelAuth(const std::string& socket_id, const std::string& channel)>;

/// The answer of a user authenticator. An empty `auth` means: refused.
struct UserAuth {
    /// "KEY:SIGNATURE", as sign_user() makes the string.
    std::string auth;
    /// The signed JSON, byte for byte: {"id","user_info","watchlist"}.
    std::string user_data;
};

/// The application's decision about a sign-in. The client asks on every connection. Thread and errors are as with
/// Authorizer.
using UserAuthenticator = std::function<UserAuth(const std::string& socket_id)>;

/// The credentials of an application's server, for signing in this process. A program in the hands of users must not
/// contain the secret, so the struct is for servers and tests only.
struct LocalCredentials {
    std::string app_key;
    std::string app_secret;
    /// The channel_data of every presence channel; empty to join as the signed-in user.
    std::string channel_data = {};
    /// The user_data of a sign-in.
    std::string user_data = {};
    /// 32 bytes in base64. Without a master key every encrypted channel is refused.
    std::string encryption_master_key_base64 = {};
};

/// An authorizer for every channel, which signs with a copy of `credentials`. Throws std::invalid_argument when the
/// master key is neither empty nor the base64 of 32 bytes. The authorizer may be called from any thread.
[[nodiscard]] Authorizer local_authorizer(const LocalCredentials& credentials);

/// A user authenticator for `credentials.user_data`, signing with a copy of `credentials`. The authenticator may be
/// called from any thread.
[[nodiscard]] UserAuthenticator local_user_authenticator(const LocalCredentials& credentials);

}  // namespace tulle
