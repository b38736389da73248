#pragma once

#include <map>
#include <string>
#include <string_view>

#include "mesh/base/time.hpp"

/// The signatures of the Pusher protocol: HMAC-SHA256, lower-case hexadecimal.
namespace tulle::client {

struct AppCredentials {
    std::string id;
    std::string key;
    std::string secret;
};

/// "KEY:SIGNATURE" for a subscription. `channel_data` is signed when it is not empty, byte for byte as it will be sent.
[[nodiscard]] std::string channel_auth(const AppCredentials& app, std::string_view socket_id, std::string_view channel,
                                       std::string_view channel_data);

/// "KEY:SIGNATURE" for a sign-in with this user_data, byte for byte as it will be sent.
[[nodiscard]] std::string user_auth(const AppCredentials& app, std::string_view socket_id, std::string_view user_data);

/// The request target (path and query) of a signed call of the HTTP API. `path` is signed as it stands.
[[nodiscard]] std::string signed_target(const AppCredentials& app, std::string_view method, std::string_view path,
                                        std::string_view body, WallSeconds now);

}  // namespace tulle::client
