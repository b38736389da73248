#include "client/wire/signing.hpp"

#include "client/wire/server_url.hpp"
#include "mesh/base/digest.hpp"

namespace tulle::client {

std::string channel_auth(const AppCredentials& app, std::string_view socket_id, std::string_view channel,
                         std::string_view channel_data) {
    std::string text(socket_id);
    text.append(":").append(channel);
    if (!channel_data.empty()) {
        text.append(":").append(channel_data);
    }
    return app.key + ":" + hmac_sha256_hex(app.secret, text);
}

std::string user_auth(const AppCredentials& app, std::string_view socket_id, std::string_view user_data) {
    std::string text(socket_id);
    text.append("::user::").append(user_data);
    return app.key + ":" + hmac_sha256_hex(app.secret, text);
}

std::string signed_target(const AppCredentials& app, std::string_view method, std::string_view path,
                          std::string_view body, WallSeconds now) {
    // The signature covers the parameters in the order of their names, unescaped. The map keeps the order.
    std::map<std::string, std::string> params{{"auth_key", app.key},
                                              {"auth_timestamp", std::to_string(now.time_since_epoch().count())},
                                              {"auth_version", "1.0"}};
    if (!body.empty()) {
        params.emplace("body_md5", md5_hex(body));
    }
    std::string plain;
    std::string query;
    for (const auto& [key, value] : params) {
        const char* separator = plain.empty() ? "" : "&";
        plain.append(separator).append(key).append("=").append(value);
        // Only the query is escaped: the server decodes the query before checking the signature.
        query.append(separator).append(key).append("=").append(percent_encoded(value));
    }
    std::string text(method);
    text.append("\n").append(path).append("\n").append(plain);
    return std::string(path) + "?" + query + "&auth_signature=" + hmac_sha256_hex(app.secret, text);
}

}  // namespace tulle::client
