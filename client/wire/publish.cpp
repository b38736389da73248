#include "client/wire/publish.hpp"

#include <algorithm>
#include <utility>

#include <boost/json.hpp>

#include "client/core/channel_name.hpp"
#include "client/wire/json_text.hpp"

namespace tulle::client {
namespace {

namespace json = boost::json;

/// Names the client in the logs of nodes and proxies.
constexpr std::string_view kUserAgent = "User-Agent: tulle-cpp/" TULLE_VERSION "\r\n";

}  // namespace

std::string_view describe(PublishErrc error) {
    switch (error) {
        case PublishErrc::kNoChannel:
            return "no channel";
        case PublishErrc::kTooManyChannels:
            return "more than 100 channels";
        case PublishErrc::kBadChannel:
            return "a channel name is 1 to 200 of A-Z a-z 0-9 _ - = @ , . ; :";
        case PublishErrc::kMixed:
            return "an encrypted channel must be the only one of its publish";
        case PublishErrc::kNoMasterKey:
            return "an encrypted channel needs the encryption master key";
        case PublishErrc::kBadName:
            return "an event name is 1 to 200 characters and does not begin with pusher: or pusher_internal:";
    }
    return "unknown error";
}

Result<PublishMessage, PublishErrc> sealed(PublishMessage message, std::string_view master_key, const Nonce& nonce) {
    if (std::none_of(message.channels.begin(), message.channels.end(), is_encrypted)) {
        return message;
    }
    // Every channel has a key of its own, so one ciphertext cannot serve two channels.
    if (message.channels.size() > 1) {
        return PublishErrc::kMixed;
    }
    if (master_key.empty()) {
        return PublishErrc::kNoMasterKey;
    }
    message.data = seal(channel_key(message.channels.front(), master_key), nonce, message.data);
    return message;
}

Result<std::string, PublishErrc> publish_body(const PublishMessage& message) {
    if (message.channels.empty()) {
        return PublishErrc::kNoChannel;
    }
    if (message.channels.size() > kMaxPublishChannels) {
        return PublishErrc::kTooManyChannels;
    }
    if (!std::all_of(message.channels.begin(), message.channels.end(), is_valid_channel_name)) {
        return PublishErrc::kBadChannel;
    }
    // The server keeps both prefixes for its own events.
    if (!is_valid_event_name(message.name) || message.name.starts_with("pusher:") ||
        message.name.starts_with("pusher_internal:")) {
        return PublishErrc::kBadName;
    }
    json::array channels;
    for (const std::string& channel : message.channels) {
        channels.emplace_back(json_string(channel));
    }
    json::object body{
        {"name", json_string(message.name)}, {"channels", std::move(channels)}, {"data", json_string(message.data)}};
    if (!message.socket_id.empty()) {
        body["socket_id"] = json_string(message.socket_id);
    }
    return json::serialize(body);
}

std::string publish_request(const AppCredentials& app, const ServerUrl& server, std::string_view body,
                            WallSeconds now) {
    std::string request = "POST " + signed_target(app, "POST", "/apps/" + app.id + "/events", body, now);
    request.append(" HTTP/1.1\r\nHost: ").append(server.authority()).append("\r\n").append(kUserAgent);
    request.append("Content-Type: application/json\r\nContent-Length: ").append(std::to_string(body.size()));
    request.append("\r\n\r\n").append(body);
    return request;
}

std::string get_request(const ServerUrl& server, std::string_view target) {
    std::string request = "GET " + std::string(target) + " HTTP/1.1\r\nHost: " + server.authority() + "\r\n";
    return request.append(kUserAgent).append("\r\n");
}

std::string post_request(const ServerUrl& server, std::string_view target) {
    std::string request = "POST " + std::string(target) + " HTTP/1.1\r\nHost: " + server.authority() + "\r\n";
    return request.append(kUserAgent).append("Content-Type: application/json\r\nContent-Length: 0\r\n\r\n");
}

bool is_valid_app_id(std::string_view id) {
    const auto allowed = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '.';
    };
    // "." and ".." would change the path.
    return !id.empty() && id.size() <= kMaxAppIdBytes && id != "." && id != ".." &&
           std::all_of(id.begin(), id.end(), allowed);
}

}  // namespace tulle::client
