#pragma once

#include <map>
#include <string>
#include <string_view>

#include "mesh/base/time.hpp"

/// The signatures of the Pusher protocol: HMAC-SHA256 in lower-case hexadecimal. Pure; any thread.
namespace tulle::client {

/// An app's credentials. Signing for clients needs no `id`.
struct AppCredentials {
    std::string id;
    std::string key;
    std::string secret;
};

/// "KEY:SIGNATURE" for a subscription. A non-empty `channel_data` is part of the signature, byte for byte as sent.
[[nodiscard]] std::string channel_auth(const AppCredentials& app, std::string_view socket_id, std::string_view channel,
                                       std::string_view channel_data);

/// "KEY:SIGNATURE" for a sign-in. `user_data` is part of the signature, byte for byte as sent.
[[nodiscard]] std::string user_auth(const AppCredentials& app, std::string_view socket_id, std::string_view user_data);

/// The request target (path and query) of a signed call of the HTTP API. `path` is signed unchanged. A non-empty `body`
/// is signed through its MD5.
[[nodiscard]] std::string signed_target(const AppCredentials& app, std::string_view method, std::string_view path,
                                        std::string_view body, WallSeconds now);

}  // namespace tulle::client
