#include "node/app/redis_bridge.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <spdlog/spdlog.h>

#include "mesh/base/utf8.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/wire/http_publish.hpp"
#include "node/pusher/wire/raw_json.hpp"
#include "node/web/ws_connection.hpp"

namespace tulle::node {
namespace {

/// The body with which the app's backend would have sent the event by POST /events; sets `reason` for a payload without
/// an event.
std::optional<std::string> body_of(std::string_view channel, std::string_view payload, std::string& reason) {
    pusher::JsonScratch scratch;
    const Result<pusher::RawObject, pusher::JsonErrc> object = pusher::RawObject::parse(payload, scratch.storage());
    if (!object) {
        reason = "the payload is not a JSON object in UTF-8, nested up to 512, of up to 64 members";
        return std::nullopt;
    }
    constexpr std::string_view kMembers[] = {"event", "data", "socket"};
    if (std::any_of(std::begin(kMembers), std::end(kMembers),
                    [&](std::string_view member) { return object->has_duplicate(member); })) {
        reason = "event, data or socket comes twice in the payload";
        return std::nullopt;
    }
    if (object->find_string("event") == nullptr) {
        reason = "the payload has no string event";
        return std::nullopt;
    }
    if (!is_utf8(channel)) {
        reason = "the name of the channel is not UTF-8";
        return std::nullopt;
    }
    // Subscribers get the data as a string, which they parse: so each value arrives as it was published, a string too.
    const std::string_view data = object->find("data") == nullptr ? std::string_view("null") : object->raw("data");
    std::string body = "{\"name\":";
    body.append(object->raw("event")).append(",\"channel\":");
    pusher::append_quoted(body, channel);
    body.append(",\"data\":");
    pusher::append_quoted(body, data);
    // As with laravel-echo-server, a word that is no socket id leaves nobody out.
    const boost::json::string* socket = object->find_string("socket");
    if (socket != nullptr && pusher::is_socket_id({socket->data(), socket->size()})) {
        body.append(",\"socket_id\":").append(object->raw("socket"));
    }
    return body.append("}");
}

mesh::Publish publish_of(pusher::PublishEvent event) {
    mesh::Publish publish;
    publish.channels = std::move(event.channels);
    publish.body = share(std::move(event.body));
    publish.exclude_socket = std::move(event.exclude_socket);
    publish.retained = event.retained;
    publish.keep_for = event.keep_for;
    publish.answers = mesh::Publish::Answers::kRefusal;
    return publish;
}

}  // namespace

// ---- the log ----

std::optional<std::string> RedisBridgeLog::line(const redis::Realm& realm, std::string_view channel,
                                                std::string_view reason, Instant now) {
    Entry& entry = entries_[realm.name];
    ++entry.untold;
    if (entry.told_at && now < *entry.told_at + kInterval) {
        return std::nullopt;
    }
    entry.told_at = now;
    const std::uint64_t count = std::exchange(entry.untold, 0);
    // Any other name could break the line.
    const std::string where =
        is_valid_channel_name(channel) ? "the channel " + std::string(channel) : "a channel with a strange name";
    return "publishes in the Redis realm " + realm.name + " became no events of the app " + realm.app + ": " +
           std::to_string(count) + ", the last on " + where + ": " + std::string(reason);
}

// ---- the bridge ----

RedisBridge::RedisBridge(AppTable apps, std::shared_ptr<AppRations> rations, std::shared_ptr<NodeLimits> limits,
                         OutboxLimits outbox)
    : apps_(std::move(apps)), rations_(std::move(rations)), limits_(std::move(limits)), outbox_(outbox) {}

std::optional<mesh::Publish> RedisBridge::map(const redis::Realm& realm, redis::RealmCounters& counters,
                                              std::string_view channel, std::string_view payload, Instant now) {
    // A name without the prefix is a channel of another program.
    if (realm.app.empty() || !channel.starts_with(realm.app_prefix)) {
        return std::nullopt;
    }
    channel.remove_prefix(realm.app_prefix.size());
    std::string reason;
    std::optional<mesh::Publish> publish = event_of(realm.app, channel, payload, now, reason);
    if (publish) {
        counters.app_events_total.add();
        return publish;
    }
    counters.app_events_refused_total.add();
    if (const std::optional<std::string> line = log_.line(realm, channel, reason, now)) {
        spdlog::warn("{}", *line);
    }
    return std::nullopt;
}

/// The order of the checks is that of the HTTP API: points are taken only for an event that is published.
std::optional<mesh::Publish> RedisBridge::event_of(const std::string& app_id, std::string_view channel,
                                                   std::string_view payload, Instant now, std::string& reason) {
    const App* app = apps_.find_by_id(app_id);
    if (app == nullptr || !app->enabled) {
        reason = app == nullptr ? "there is no such app" : "the app is disabled";
        return std::nullopt;
    }
    const std::optional<std::string> body = body_of(channel, payload, reason);
    if (!body) {
        return std::nullopt;
    }
    Result<pusher::ApiWork, pusher::PublishRefusal> work = pusher::parse_event(*app, *body);
    if (!work) {
        reason = "the HTTP API refuses such an event: " + std::string(work.error().reason);
        return std::nullopt;
    }
    pusher::PublishEvent& event = work->events.front();
    if (!WsLimits{outbox_}.fits(event.body.size())) {
        reason = "the event is larger than what may wait for a client";
    } else if (limits_->pressure() == Pressure::kShedding) {
        reason = "the node has too little memory for more events";
    } else if (!rations_->take(now, *app, Rationed::kEvents, event.channels.size()).is_granted) {
        reason = "more events in a second than the app allows";
    } else {
        return publish_of(std::move(event));
    }
    return std::nullopt;
}

}  // namespace tulle::node
