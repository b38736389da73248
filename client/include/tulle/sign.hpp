#pragma once

#include <string>
#include <string_view>

namespace tulle {

/// The auth string for a private or presence channel, "KEY:SIGNATURE": what an application's server gives its clients,
/// and what an authorizer returns. `channel_data` is signed when it is not empty, byte for byte. Pure; any thread.
[[nodiscard]] std::string sign_channel(std::string_view app_key, std::string_view app_secret,
                                       std::string_view socket_id, std::string_view channel,
                                       std::string_view channel_data = {});

/// The auth string for a sign-in: `user_data` is the JSON {"id","user_info","watchlist"}, byte for byte as the client
/// will send it. Pure; any thread.
[[nodiscard]] std::string sign_user(std::string_view app_key, std::string_view app_secret, std::string_view socket_id,
                                    std::string_view user_data);

/// The shared_secret of an encrypted channel, in base64. Throws std::invalid_argument for a master key that is not the
/// base64 of 32 bytes. Any thread.
[[nodiscard]] std::string shared_secret(std::string_view encryption_master_key_base64, std::string_view channel);

}  // namespace tulle
