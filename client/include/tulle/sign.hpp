#pragma once

#include <string>
#include <string_view>

namespace tulle {

/// The auth string of a private or presence channel, "KEY:SIGNATURE". An application's server signs for its clients; an
/// authorizer returns the string. The signature covers a non-empty `channel_data` byte for byte, so the client must
/// send the same bytes. Pure; any thread.
[[nodiscard]] std::string sign_channel(std::string_view app_key, std::string_view app_secret,
                                       std::string_view socket_id, std::string_view channel,
                                       std::string_view channel_data = {});

/// The auth string of a sign-in, "KEY:SIGNATURE". `user_data` is the JSON {"id","user_info","watchlist"}; the signature
/// covers the bytes as the client will send the JSON. Pure; any thread.
[[nodiscard]] std::string sign_user(std::string_view app_key, std::string_view app_secret, std::string_view socket_id,
                                    std::string_view user_data);

/// The key of an encrypted channel in base64, for ChannelAuth::shared_secret. Throws std::invalid_argument unless the
/// master key is the base64 of 32 bytes. Any thread.
[[nodiscard]] std::string shared_secret(std::string_view encryption_master_key_base64, std::string_view channel);

}  // namespace tulle
