#include "client/wire/publish.hpp"

#include <algorithm>
#include <utility>

#include <boost/json.hpp>

#include "client/core/channel_name.hpp"
#include "client/wire/utf8.hpp"

namespace tulle::client {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxAppIdBytes = 200;
constexpr std::string_view kUserAgent = "User-Agent: tulle-cpp/" TULLE_VERSION "\r\n";

json::string utf8(std::string_view text) {
    const std::string valid = valid_utf8(text);
    return json::string(valid.data(), valid.size());
}

}  // namespace

std::string_view describe(PublishErrc error) {
    switch (error) {
        case PublishErrc::kNoChannel:
            return "no channel";
        case PublishErrc::kTooManyChannels:
            return "more than 100 channels";
        case PublishErrc::kBadChannel:
            return "a channel name is 1 to 200 of A-Z a-z 0-9 _ - = @ , . ;";
        case PublishErrc::kBadName:
            return "an event name is 1 to 200 bytes and does not begin with pusher: or pusher_internal:";
    }
    return "unknown error";
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
    if (!is_valid_event_name(message.name) || message.name.starts_with("pusher:") ||
        message.name.starts_with("pusher_internal:")) {
        return PublishErrc::kBadName;
    }
    json::array channels;
    for (const std::string& channel : message.channels) {
        channels.emplace_back(utf8(channel));
    }
    json::object body{{"name", utf8(message.name)}, {"channels", std::move(channels)}, {"data", utf8(message.data)}};
    if (!message.socket_id.empty()) {
        body["socket_id"] = utf8(message.socket_id);
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
    return request.append(kUserAgent).append("Content-Length: 0\r\n\r\n");
}

bool is_valid_app_id(std::string_view id) {
    const auto allowed = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '.';
    };
    return !id.empty() && id.size() <= kMaxAppIdBytes && id != "." && id != ".." &&
           std::all_of(id.begin(), id.end(), allowed);
}

}  // namespace tulle::client
