#pragma once

#include <string>
#include <string_view>

namespace tulle {

/// The auth string for a private or presence channel, "KEY:SIGNATURE": what an application's server gives its clients,
/// and what an authorizer returns. `channel_data` is signed when it is not empty, byte for byte. Pure; any thread.
[[nodiscard]] std::string sign_channel(std::string_view app_key, std::string_view app_secret,
                                       std::string_view socket_id, std::string_view channel,
                                       std::string_view channel_data = {});

}  // namespace tulle
