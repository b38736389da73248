#include <tulle/sign.hpp>

#include "client/wire/signing.hpp"

namespace tulle {

std::string sign_channel(std::string_view app_key, std::string_view app_secret, std::string_view socket_id,
                         std::string_view channel, std::string_view channel_data) {
    const client::AppCredentials app{{}, std::string(app_key), std::string(app_secret)};
    return client::channel_auth(app, socket_id, channel, channel_data);
}

}  // namespace tulle
