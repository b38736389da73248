#include <tulle/auth.hpp>
#include <tulle/sign.hpp>

#include <stdexcept>

#include "client/core/channel_name.hpp"
#include "client/io/master_key.hpp"
#include "client/wire/encryption.hpp"
#include "client/wire/signing.hpp"

// The public signing functions. The wire layer has the signatures; the functions here only adapt types and errors.
namespace tulle {
std::string sign_channel(std::string_view app_key, std::string_view app_secret, std::string_view socket_id,
                         std::string_view channel, std::string_view channel_data) {
    const client::AppCredentials app{{}, std::string(app_key), std::string(app_secret)};
    return client::channel_auth(app, socket_id, channel, channel_data);
}

std::string sign_user(std::string_view app_key, std::string_view app_secret, std::string_view socket_id,
                      std::string_view user_data) {
    const client::AppCredentials app{{}, std::string(app_key), std::string(app_secret)};
    return client::user_auth(app, socket_id, user_data);
}

std::string shared_secret(std::string_view encryption_master_key_base64, std::string_view channel) {
    const std::optional<std::string> key = client::decode_key(encryption_master_key_base64);
    if (!key) {
        throw std::invalid_argument("tulle::shared_secret: the master key is not the base64 of 32 bytes");
    }
    return client::encode_key(client::channel_key(channel, *key));
}

Authorizer local_authorizer(const LocalCredentials& credentials) {
    // Decoded once, so that a malformed key is reported here and not at the first subscription.
    const std::string master = client::master_key(credentials.encryption_master_key_base64, "tulle::local_authorizer");
    return [credentials, master](const std::string& socket_id, const std::string& channel) {
        ChannelAuth answer;
        if (client::is_presence(channel)) {
            answer.channel_data = credentials.channel_data;
        } else if (client::is_encrypted(channel)) {
            // An empty answer is a refusal.
            if (master.empty()) {
                return answer;
            }
            answer.shared_secret = client::encode_key(client::channel_key(channel, master));
        }
        answer.auth =
            sign_channel(credentials.app_key, credentials.app_secret, socket_id, channel, answer.channel_data);
        return answer;
    };
}

UserAuthenticator local_user_authenticator(const LocalCredentials& credentials) {
    return [credentials](const std::string& socket_id) {
        return UserAuth{sign_user(credentials.app_key, credentials.app_secret, socket_id, credentials.user_data),
                        credentials.user_data};
    };
}

}  // namespace tulle
