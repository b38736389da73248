#include "node/protocol/pusher/http_api.hpp"

#include <algorithm>
#include <optional>

#include "node/core/channel_name.hpp"
#include "node/protocol/pusher/auth.hpp"
#include "node/protocol/pusher/channel_query.hpp"
#include "node/protocol/pusher/codec.hpp"
#include "node/protocol/pusher/raw_json.hpp"

namespace tulle::node::pusher {
namespace {

constexpr std::string_view kAppsPath = "/apps/";

ApiAction refuse(unsigned status, std::string_view message) { return Respond{api_error(status, message)}; }

std::vector<std::string_view> split_path(std::string_view path) {
    std::vector<std::string_view> segments;
    while (!path.empty()) {
        path.remove_prefix(1);
        const std::size_t slash = std::min(path.find('/'), path.size());
        segments.push_back(path.substr(0, slash));
        path.remove_prefix(slash);
    }
    return segments;
}

bool is_socket_id(std::string_view text) {
    constexpr std::size_t kMaxDigits = 20;
    const std::size_t dot = text.find('.');
    const auto is_number = [](std::string_view part) {
        return !part.empty() && part.size() <= kMaxDigits &&
               std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    };
    return dot != std::string_view::npos && is_number(text.substr(0, dot)) && is_number(text.substr(dot + 1));
}

/// The names in `channels` or `channel`; nothing when they are malformed.
std::optional<std::vector<std::string>> target_channels(const RawObject& body) {
    std::vector<std::string> names;
    if (const boost::json::value* list = body.find("channels")) {
        if (!list->is_array()) {
            return std::nullopt;
        }
        for (const boost::json::value& name : list->get_array()) {
            if (!name.is_string()) {
                return std::nullopt;
            }
            names.emplace_back(name.get_string());
        }
    } else if (const boost::json::string* name = body.find_string("channel")) {
        names.emplace_back(*name);
    }
    return names;
}

/// Keys of the mesh for the channels of a publish, or the reason why not.
std::variant<std::vector<std::string>, std::string_view> publish_keys(const App& app, const RawObject& body) {
    const std::optional<std::vector<std::string>> names = target_channels(body);
    if (!names || names->empty()) {
        return "channels must be an array of names, or channel a name";
    }
    if (names->size() > kMaxPublishChannels) {
        return "an event goes to at most 100 channels";
    }
    std::vector<std::string> keys;
    for (const std::string& name : *names) {
        if (!is_valid_channel_name(name)) {
            return "a channel name has 1 to 200 of the characters A-Z a-z 0-9 _ - = @ , . ;";
        }
        std::string key = channel_key(app.id, name);
        if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
            keys.push_back(std::move(key));
        }
    }
    return keys;
}

bool has_duplicates(const RawObject& body) {
    constexpr std::string_view kKnown[] = {"name", "data", "channel", "channels", "socket_id"};
    return std::any_of(std::begin(kKnown), std::end(kKnown), [&](std::string_view k) { return body.has_duplicate(k); });
}

ApiAction publish_action(const App& app, const RawObject& body) {
    if (has_duplicates(body)) {
        return refuse(400, "a member of the body comes twice");
    }
    const boost::json::string* name = body.find_string("name");
    if (name == nullptr || name->empty() || name->size() > kMaxEventNameBytes) {
        return refuse(400, "name must be a string of 1 to 200 bytes");
    }
    const boost::json::string* data = body.find_string("data");
    if (data == nullptr) {
        return refuse(400, "data must be a string");
    }
    if (data->size() > app.max_event_bytes) {
        return refuse(413, "the data is larger than this app allows");
    }
    if (body.find("info") != nullptr) {
        return refuse(400, "info is not served by this version");
    }
    PublishEvent event;
    if (const boost::json::value* socket = body.find("socket_id"); socket != nullptr && !socket->is_null()) {
        if (!socket->is_string() || !is_socket_id(socket->get_string())) {
            return refuse(400, "socket_id must be two numbers joined by a dot");
        }
        event.exclude_socket = std::string(socket->get_string());
    }
    auto keys = publish_keys(app, body);
    if (const std::string_view* reason = std::get_if<std::string_view>(&keys)) {
        return refuse(400, *reason);
    }
    event.channels = std::move(std::get<std::vector<std::string>>(keys));
    event.body = event_body(std::string_view(name->data(), name->size()), body.raw("data"));
    if (event.body.size() > kMaxEventBytes) {
        return refuse(413, "the encoded event is too large");
    }
    return event;
}

/// `info` may name nothing but subscription_count, which every answer holds.
bool info_is_served(const QueryParameters& parameters) {
    const std::string* info = find_parameter(parameters, "info");
    return info == nullptr || info->empty() || *info == "subscription_count";
}

ApiAction list_action(const App& app, const QueryParameters& parameters) {
    const std::string* prefix = find_parameter(parameters, "filter_by_prefix");
    if (!info_is_served(parameters)) {
        return refuse(400, "info may be subscription_count");
    }
    if (prefix != nullptr && !prefix->empty() && !is_valid_channel_name(*prefix)) {
        return refuse(400, "filter_by_prefix is no beginning of a channel name");
    }
    return ListChannels{encode(ChannelQuery{app.id, true, prefix == nullptr ? "" : *prefix})};
}

ApiAction describe_action(const App& app, std::string_view segment, const QueryParameters& parameters) {
    const std::optional<std::string> name = percent_decode(segment);
    if (!name || !is_valid_channel_name(*name)) {
        return refuse(400, "malformed channel name");
    }
    if (!info_is_served(parameters)) {
        return refuse(400, "info may be subscription_count");
    }
    return DescribeChannel{encode(ChannelQuery{app.id, false, *name}), *name};
}

enum class Endpoint { kUnknown, kEvents, kChannels, kChannel };

Endpoint endpoint_of(const std::vector<std::string_view>& segments) {
    if (segments.size() == 3 && segments[2] == "events") {
        return Endpoint::kEvents;
    }
    if (segments.size() == 3 && segments[2] == "channels") {
        return Endpoint::kChannels;
    }
    if (segments.size() == 4 && segments[2] == "channels") {
        return Endpoint::kChannel;
    }
    return Endpoint::kUnknown;
}

HttpResponse wrong_method(std::string_view allowed) {
    HttpResponse response = api_error(405, "wrong method");
    response.headers.emplace_back("Allow", std::string(allowed));
    return response;
}

ApiAction authenticated(Endpoint endpoint, const App& app, const HttpRequest& request,
                        const QueryParameters& parameters) {
    switch (endpoint) {
        case Endpoint::kEvents: {
            const Result<RawObject, JsonErrc> body = RawObject::parse(request.body);
            return body ? publish_action(app, *body) : refuse(400, "the body is not a JSON object");
        }
        case Endpoint::kChannels:
            return list_action(app, parameters);
        case Endpoint::kChannel:
            return describe_action(app, split_path(request.path())[3], parameters);
        case Endpoint::kUnknown:
            break;
    }
    return refuse(404, "unknown endpoint");
}

void name_missing(const std::vector<std::string>& missing, HttpResponse& response) {
    if (missing.empty()) {
        return;
    }
    std::string names;
    for (const std::string& name : missing) {
        names.append(names.empty() ? "" : ", ");
        std::transform(name.begin(), name.end(), std::back_inserter(names),
                       [](char c) { return c > ' ' && c < '\x7f' ? c : '?'; });
    }
    response.headers.emplace_back("Tulle-Partial", std::move(names));
}

std::string occupancy(std::uint64_t subscribers) {
    return std::string("{\"occupied\":") + (subscribers > 0 ? "true" : "false") +
           ",\"subscription_count\":" + std::to_string(subscribers) + "}";
}

}  // namespace

bool is_api_target(std::string_view path) { return path.starts_with(kAppsPath); }

ApiAction handle(const HttpRequest& request, const AppTable& apps, WallSeconds now) {
    const std::vector<std::string_view> segments = split_path(request.path());
    const Endpoint endpoint = endpoint_of(segments);
    if (endpoint == Endpoint::kUnknown) {
        return refuse(404, "unknown endpoint");
    }
    const std::string_view method = endpoint == Endpoint::kEvents ? "POST" : "GET";
    if (request.method != method) {
        return Respond{wrong_method(method)};
    }
    const App* app = apps.find_by_id(segments[1]);
    if (app == nullptr) {
        return refuse(404, "unknown app");
    }
    const std::optional<QueryParameters> parameters = parse_query(request.query());
    if (!parameters) {
        return refuse(400, "malformed query, or a parameter comes twice");
    }
    if (const auto reason = check_request_auth(*app, request, *parameters, now)) {
        return refuse(401, *reason);
    }
    if (!app->enabled) {
        return refuse(403, "the app is disabled");
    }
    return authenticated(endpoint, *app, request, *parameters);
}

HttpResponse api_error(unsigned status, std::string_view message) {
    HttpResponse response;
    response.status = status;
    response.body = "{\"error\":" + quoted(message) + ",\"code\":" + std::to_string(status) + "}";
    return response;
}

HttpResponse published() {
    HttpResponse response;
    response.body = "{}";
    return response;
}

HttpResponse unavailable(std::string_view reason) {
    HttpResponse response = api_error(503, reason);
    response.headers.emplace_back("Retry-After", "1");
    return response;
}

HttpResponse channel_list(const std::vector<std::string>& parts, const std::vector<std::string>& missing) {
    HttpResponse response;
    response.body = "{\"channels\":{";
    bool is_first = true;
    for (const auto& [name, subscribers] : sum_counts(parts)) {
        response.body.append(is_first ? "" : ",").append(quoted(name)).append(":").append(occupancy(subscribers));
        is_first = false;
    }
    response.body.append("}}");
    name_missing(missing, response);
    return response;
}

HttpResponse channel_info(std::string_view channel, const std::vector<std::string>& parts,
                          const std::vector<std::string>& missing) {
    const ChannelCounts counts = sum_counts(parts);
    const auto found = counts.find(channel);
    HttpResponse response;
    response.body = occupancy(found == counts.end() ? 0 : found->second);
    name_missing(missing, response);
    return response;
}

}  // namespace tulle::node::pusher
