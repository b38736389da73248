#include "node/pusher/wire/http_api.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "mesh/base/utf8.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/wire/auth.hpp"
#include "node/pusher/wire/channel_query.hpp"
#include "node/pusher/wire/http_publish.hpp"
#include "node/pusher/wire/request_signature.hpp"

namespace tulle::node::pusher {
namespace {

/// Begins the path of every request to the API.
constexpr std::string_view kAppsPath = "/apps/";
/// Begins the name of a presence channel.
constexpr std::string_view kPresencePrefix = "presence-";
/// The name of an event between nodes. No client sees the event.
constexpr std::string_view kEndEvent = "tulle:end";

/// An answer with an error.
ApiAction refuse(unsigned status, std::string_view message) {
    return Respond{api_error(status, message)};
}

/// The segments of a path, without copies. Segments past the sixth are dropped: six are more than any endpoint has, so
/// a longer path matches no endpoint.
class Segments {
public:
    explicit Segments(std::string_view path) {
        while (!path.empty() && size_ < segments_.size()) {
            path.remove_prefix(1);
            const std::size_t slash = std::min(path.find('/'), path.size());
            segments_[size_++] = path.substr(0, slash);
            path.remove_prefix(slash);
        }
    }

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::string_view operator[](std::size_t index) const { return segments_[index]; }

private:
    std::array<std::string_view, 6> segments_;
    std::size_t size_ = 0;
};

/// The attributes asked for by a read; nothing when an attribute is unknown.
std::optional<InfoWanted> info_of(const QueryParameters& parameters) {
    const std::string* info = find_parameter(parameters, "info");
    return parse_info(info == nullptr ? std::string_view{} : *info);
}

/// GET /channels: a question to all nodes, by prefix.
ApiAction list_action(const App& app, const QueryParameters& parameters) {
    const std::string* given = find_parameter(parameters, "filter_by_prefix");
    const std::string prefix = given == nullptr ? std::string() : *given;
    const std::optional<InfoWanted> info = info_of(parameters);
    // The cache is an attribute of a single channel alone.
    if (!info || info->cache) {
        return refuse(400, "info should be a comma separated list of attributes: user_count, subscription_count");
    }
    if (!prefix.empty() && !is_valid_channel_name(prefix)) {
        return refuse(400, "filter_by_prefix has a character that no channel name has, or is too long");
    }
    if (info->user_count && !prefix.starts_with(kPresencePrefix)) {
        return refuse(400, "user_count needs a filter_by_prefix that begins with presence-");
    }
    return ApiWork{{}, {encode(ChannelQuery{app.id, true, {prefix}})}, {AnswerPlan::Shape::kList}};
}

/// GET /channels/NAME.
ApiAction describe_action(const App& app, const std::string& name, const QueryParameters& parameters) {
    const std::optional<InfoWanted> info = info_of(parameters);
    if (!info) {
        return refuse(400,
                      "info should be a comma separated list of attributes: user_count, subscription_count, cache");
    }
    if (info->cache && !classify(name).cache) {
        return refuse(400, "cache is an attribute of cache channels alone");
    }
    if (info->user_count && classify(name).type != ChannelType::kPresence) {
        return refuse(400, "user_count is an attribute of presence channels alone");
    }
    ApiWork work{{}, {encode(ChannelQuery{app.id, false, {name}})}, {AnswerPlan::Shape::kChannel, name}};
    if (info->cache) {
        work.plan.wants_cache = true;
        // The mesh answers with the last event along with the first query.
        work.retained.push_back(channel_key(app.id, name));
    }
    return work;
}

/// GET /channels/NAME/history. The history is the hubs': the shards have nothing to say to an empty query.
ApiAction history_action(const App& app, const std::string& name, const QueryParameters& parameters) {
    const HistoryRule* rule = rule_for(app.history, name);
    if (rule == nullptr || rule->size == 0) {
        return refuse(404, "the channel has no history: no rule of the app with a size fits its name");
    }
    Result<HistoryRead, std::string_view> read = parse_history_read(parameters, *rule);
    if (!read) {
        return refuse(400, read.error());
    }
    read->channel = channel_key(app.id, name);
    ApiWork work{{}, {std::string()}, {AnswerPlan::Shape::kHistory, name}};
    work.history = std::move(*read);
    return work;
}

/// GET /channels/NAME/users.
ApiAction users_action(const App& app, const std::string& name) {
    if (classify(name).type != ChannelType::kPresence) {
        return refuse(400, "only presence channels have users");
    }
    return ApiWork{{}, {encode(ChannelQuery{app.id, false, {name}})}, {AnswerPlan::Shape::kUsers, name}};
}

/// POST /users/ID/terminate_connections. The work has two parts for two kinds of nodes. The event goes the way of all
/// events, and reaches every node with a connection signed in as the user, however long the event is under way. The
/// query reaches every node at once, so that the answer comes when the work is done; the query also ends connections
/// that are only members of presence channels as the user.
ApiAction terminate_action(const App& app, std::string_view segment) {
    const std::optional<std::string> user = percent_decode(segment);
    if (!user || !is_valid_user_id(*user) || !is_utf8(*user)) {
        return refuse(400, "malformed id of a user");
    }
    ApiWork work;
    work.events.push_back({{online_key(app.id, *user)}, EventBody(kEndEvent, {}), {}});
    work.queries.push_back(encode(EndUser{app.id, *user}));
    return work;
}

/// The endpoints of the API.
enum class Endpoint { kUnknown, kEvents, kBatch, kChannels, kChannel, kUsers, kHistory, kTerminate };

/// The endpoint of a path that begins with "/apps/ID".
Endpoint endpoint_of(const Segments& segments) {
    if (segments.size() == 3 && segments[2] == "events") {
        return Endpoint::kEvents;
    }
    if (segments.size() == 3 && segments[2] == "batch_events") {
        return Endpoint::kBatch;
    }
    if (segments.size() == 5 && segments[2] == "users" && segments[4] == "terminate_connections") {
        return Endpoint::kTerminate;
    }
    if (segments.size() >= 3 && segments[2] != "channels") {
        return Endpoint::kUnknown;
    }
    switch (segments.size()) {
        case 3:
            return Endpoint::kChannels;
        case 4:
            return Endpoint::kChannel;
        case 5:
            return segments[4] == "users"     ? Endpoint::kUsers
                   : segments[4] == "history" ? Endpoint::kHistory
                                              : Endpoint::kUnknown;
        default:
            return Endpoint::kUnknown;
    }
}

/// True for an endpoint with POST.
bool is_write(Endpoint endpoint) {
    return endpoint == Endpoint::kEvents || endpoint == Endpoint::kBatch || endpoint == Endpoint::kTerminate;
}

/// 405, with the allowed methods as RFC 9110 demands.
HttpResponse wrong_method(std::string_view allowed) {
    HttpResponse response = api_error(405, "wrong method");
    response.headers.emplace_back("Allow", std::string(allowed) + ", OPTIONS");
    return response;
}

/// The action for a GET or HEAD.
ApiAction read_action(Endpoint endpoint, const App& app, const HttpRequest& request,
                      const QueryParameters& parameters) {
    if (endpoint == Endpoint::kChannels) {
        return list_action(app, parameters);
    }
    const std::optional<std::string> name = percent_decode(Segments(request.path())[3]);
    if (!name || !is_valid_channel_name(*name)) {
        return refuse(400, "malformed channel name");
    }
    if (endpoint == Endpoint::kHistory) {
        return history_action(app, *name, parameters);
    }
    return endpoint == Endpoint::kUsers ? users_action(app, *name) : describe_action(app, *name, parameters);
}

/// The action for a POST.
ApiAction write_action(Endpoint endpoint, const App& app, const HttpRequest& request) {
    if (endpoint == Endpoint::kTerminate) {
        return terminate_action(app, Segments(request.path())[3]);
    }
    Result<ApiWork, PublishRefusal> work =
        endpoint == Endpoint::kBatch ? parse_batch(app, request.body) : parse_event(app, request.body);
    if (!work) {
        return refuse(work.error().status, work.error().reason);
    }
    return std::move(*work);
}

/// A request with an authentic head.
struct Entered {
    Endpoint endpoint;
    const App* app;
    QueryParameters parameters;
};
using Entrance = std::variant<Respond, Entered>;

/// Checks the head alone. The order is by cost. Only a holder of the secret learns of a disabled app.
Entrance enter(const HttpRequest& request, const AppTable& apps, WallSeconds now) {
    const auto turn_away = [](unsigned status, std::string_view message) {
        return Respond{api_error(status, message)};
    };
    const Segments segments(request.path());
    const Endpoint endpoint = endpoint_of(segments);
    if (endpoint == Endpoint::kUnknown) {
        return turn_away(404, "unknown endpoint");
    }
    // A preflight bears no signature: browsers ask without credentials.
    if (request.method == "OPTIONS") {
        return Respond{preflight(request)};
    }
    const bool is_right_method =
        is_write(endpoint) ? request.method == "POST" : request.method == "GET" || request.method == "HEAD";
    if (!is_right_method) {
        return Respond{wrong_method(is_write(endpoint) ? "POST" : "GET, HEAD")};
    }
    const App* app = apps.find_by_id(segments[1]);
    if (app == nullptr) {
        return turn_away(404, "unknown app");
    }
    Result<QueryParameters, Unauthentic> parameters = authenticate(*app, request, now);
    if (!parameters) {
        Respond refusal = turn_away(parameters.error().status, parameters.error().reason);
        // Guesses of signatures are counted against the address. A right signature with a wrong clock is no guess.
        refusal.response.is_guess = parameters.error().status == 401 && !parameters.error().is_signed;
        return refusal;
    }
    if (!app->enabled) {
        return turn_away(403, "the app is disabled");
    }
    return Entered{endpoint, app, std::move(*parameters)};
}

/// The seconds of a Retry-After, rounded up, as the header has no fractions; at least 1.
std::string retry_after(Duration wait) {
    return std::to_string(std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(wait).count()));
}

}  // namespace

bool is_api_target(std::string_view path) {
    return path.starts_with(kAppsPath);
}

const App* app_of_api_target(const AppTable& apps, std::string_view path) {
    const Segments segments(path);
    return segments.size() < 2 ? nullptr : apps.find_by_id(segments[1]);
}

std::pair<Rationed, std::size_t> cost_of(const ApiWork& work) {
    std::size_t channels = 0;
    for (const PublishEvent& event : work.events) {
        channels += event.channels.size();
    }
    // Work without an event is a read.
    return channels > 0 ? std::pair{Rationed::kEvents, channels} : std::pair{Rationed::kReads, std::size_t{1}};
}

HttpResponse rate_limited(const Grant& grant, std::size_t allowance) {
    HttpResponse response = api_error(429, "more in a second than this app allows");
    response.headers.emplace_back("Retry-After", retry_after(grant.retry_after));
    response.headers.emplace_back("X-RateLimit-Limit", std::to_string(allowance));
    response.headers.emplace_back("X-RateLimit-Remaining", std::to_string(grant.remaining));
    return response;
}

HttpResponse throttled(Duration wait) {
    HttpResponse response = api_error(429, "too many wrong signatures from this address");
    response.headers.emplace_back("Retry-After", retry_after(wait));
    response.close = true;
    return response;
}

std::optional<HttpResponse> refuse_head(const HttpRequest& head, const AppTable& apps, WallSeconds now) {
    Entrance entrance = enter(head, apps, now);
    if (auto* refusal = std::get_if<Respond>(&entrance)) {
        return std::move(refusal->response);
    }
    return std::nullopt;
}

ApiAction handle(const HttpRequest& request, const AppTable& apps, WallSeconds now) {
    Entrance entrance = enter(request, apps, now);
    if (auto* refusal = std::get_if<Respond>(&entrance)) {
        return std::move(*refusal);
    }
    const Entered& entered = std::get<Entered>(entrance);
    if (const auto reason = check_body_digest(request, entered.parameters)) {
        return refuse(401, *reason);
    }
    return is_write(entered.endpoint) ? write_action(entered.endpoint, *entered.app, request)
                                      : read_action(entered.endpoint, *entered.app, request, entered.parameters);
}

}  // namespace tulle::node::pusher
