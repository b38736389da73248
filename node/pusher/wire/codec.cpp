#include "node/pusher/wire/codec.hpp"

#include <utility>

#include "mesh/base/assert.hpp"
#include "node/pusher/wire/frame_scan.hpp"
#include "node/pusher/wire/raw_json.hpp"

namespace tulle::node::pusher {
namespace {

/// Copies a member that may be absent but must be a string. False for another type; null counts as absent.
bool take_string(const RawObject& object, std::string_view key, std::string& out) {
    const boost::json::value* value = object.find(key);
    if (value == nullptr || value->is_null()) {
        return true;
    }
    const boost::json::string* text = value->if_string();
    if (text == nullptr) {
        return false;
    }
    out.assign(text->data(), text->size());
    return true;
}

/// Both pusher:subscribe and pusher:unsubscribe bear an object as data. The channel stands in the data, so a channel at
/// the top level is ignored.
std::optional<FrameErrc> take_subscription(ClientFrame& frame) {
    frame.channel.clear();
    JsonScratch scratch;
    const Result<RawObject, JsonErrc> data = RawObject::parse(frame.data, scratch.storage());
    if (!data) {
        return FrameErrc::kBadData;
    }
    if (data->has_duplicate("channel") || data->has_duplicate("auth") || data->has_duplicate("channel_data") ||
        data->has_duplicate("tulle")) {
        return FrameErrc::kDuplicate;
    }
    // Only Tulle's own clients ask for the history.
    if (const std::string_view tulle = data->raw("tulle"); !tulle.empty() && tulle != "null") {
        frame.history = parse_history_wish(tulle);
        if (!frame.history) {
            return FrameErrc::kBadData;
        }
    }
    if (data->find_string("channel") == nullptr || !take_string(*data, "channel", frame.channel) ||
        !take_string(*data, "auth", frame.auth) || !take_string(*data, "channel_data", frame.channel_data)) {
        return FrameErrc::kBadData;
    }
    return std::nullopt;
}

/// Reads the data of pusher:signin. A missing member is a failed sign-in, not a malformed frame: the signature covers
/// user_data, so the check of the signature fails.
std::optional<FrameErrc> take_signin(ClientFrame& frame) {
    JsonScratch scratch;
    const Result<RawObject, JsonErrc> data = RawObject::parse(frame.data, scratch.storage());
    if (!data) {
        return FrameErrc::kBadData;
    }
    if (data->has_duplicate("auth") || data->has_duplicate("user_data")) {
        return FrameErrc::kDuplicate;
    }
    if (!take_string(*data, "auth", frame.auth) || !take_string(*data, "user_data", frame.user_data)) {
        return FrameErrc::kBadData;
    }
    return std::nullopt;
}

/// Reads the data of the protocol's own events. Data of client events stay unread: they are handed on by their source.
std::optional<FrameErrc> take_data(ClientFrame& frame) {
    if (frame.event == "pusher:subscribe" || frame.event == "pusher:unsubscribe") {
        return take_subscription(frame);
    }
    return frame.event == "pusher:signin" ? take_signin(frame) : std::nullopt;
}

/// The frame's error for an error of the JSON reader.
FrameErrc frame_error(JsonErrc error) {
    switch (error) {
        case JsonErrc::kNotUtf8:
            return FrameErrc::kNotUtf8;
        case JsonErrc::kTooDeep:
            return FrameErrc::kTooDeep;
        case JsonErrc::kNotAnObject:
            return FrameErrc::kNotAnObject;
        case JsonErrc::kMalformed:
        case JsonErrc::kTooManyMembers:
            break;
    }
    return FrameErrc::kNotJson;
}

/// Appends an event about `ids` to the list `events`; nothing when no id is given.
void append_watched(std::string_view name, const std::vector<std::string>& ids, std::string& events) {
    if (ids.empty()) {
        return;
    }
    std::string list;
    for (const std::string& id : ids) {
        list.append(list.empty() ? "" : ",").append(quoted(id));
    }
    events.append(events.empty() ? "" : ",").append("{\"name\":").append(quoted(name));
    events.append(",\"user_ids\":[").append(list).append("]}");
}

}  // namespace

std::string_view describe(FrameErrc error) {
    switch (error) {
        case FrameErrc::kNotJson:
            return "The message is not JSON";
        case FrameErrc::kNotUtf8:
            return "The message is not UTF-8";
        case FrameErrc::kTooDeep:
            return "The message is nested deeper than 512";
        case FrameErrc::kNotAnObject:
            return "The message is not a JSON object";
        case FrameErrc::kDuplicate:
            return "A member of the message comes twice";
        case FrameErrc::kNoEvent:
            return "The message has no event name";
        case FrameErrc::kBadChannel:
            return "The channel must be a string";
        case FrameErrc::kBadData:
            return "The data must be an object of at most 64 members with strings in it, a channel among them but to "
                   "sign in; tulle is an object with since, or with rewind (1 to 500, or a time such as \"30s\")";
    }
    return "Malformed message";
}

Result<ClientFrame, FrameErrc> parse_client_frame(std::string_view text) {
    Result<FrameScan, JsonErrc> found = scan_frame(text);
    if (!found) {
        return frame_error(found.error());
    }
    if (found->event.comes_twice || found->channel.comes_twice || found->data.comes_twice) {
        return FrameErrc::kDuplicate;
    }
    if (found->event.type != FrameMember::Type::kString) {
        return FrameErrc::kNoEvent;
    }
    if (found->channel.type == FrameMember::Type::kOther) {
        return FrameErrc::kBadChannel;
    }
    ClientFrame frame;
    frame.event = std::move(found->event.text);
    frame.channel = std::move(found->channel.text);
    frame.data = found->raw_data;
    frame.data_bytes = found->data_bytes;
    frame.raw_event = found->raw_event;
    if (const std::optional<FrameErrc> error = take_data(frame)) {
        return *error;
    }
    return frame;
}

EventBody gap_body(std::uint64_t missing) {
    return {"tulle:gap", quoted("{\"missing\":" + std::to_string(missing) + "}")};
}

std::string connection_established(std::string_view socket_id, Duration activity_timeout) {
    // Rounded up: with a shorter time than configured, clients would ping more often.
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(activity_timeout).count();
    const std::string data =
        "{\"socket_id\":\"" + std::string(socket_id) + "\",\"activity_timeout\":" + std::to_string(seconds) + "}";
    return R"({"event":"pusher:connection_established","data":)" + quoted(data) + "}";
}

std::string error_frame(const ErrorText& error, std::string_view channel) {
    std::string frame = R"({"event":"pusher:error",)";
    if (!channel.empty()) {
        frame.append("\"channel\":").append(quoted(channel)).append(",");
    }
    frame.append(R"("data":{"code":)").append(error.code ? std::to_string(*error.code) : "null");
    return frame.append(",\"message\":").append(quoted(error.message)).append("}}");
}

std::string subscription_succeeded(std::string_view channel, std::string_view history) {
    const std::string data = history.empty() ? "{}" : "{\"tulle\":" + std::string(history) + "}";
    return R"({"event":"pusher_internal:subscription_succeeded","channel":)" + quoted(channel) +
           ",\"data\":" + quoted(data) + "}";
}

std::string cache_miss(std::string_view channel) {
    return R"({"event":"pusher:cache_miss","channel":)" + quoted(channel) + "}";
}

std::string signin_success(std::string_view user_data) {
    return R"({"event":"pusher:signin_success","data":)" + quoted("{\"user_data\":" + quoted(user_data) + "}") + "}";
}

std::string watchlist_events(const std::vector<std::string>& online, const std::vector<std::string>& offline) {
    TULLE_ASSERT(!online.empty() || !offline.empty());
    std::string events;
    append_watched("online", online, events);
    append_watched("offline", offline, events);
    return R"({"event":"pusher_internal:watchlist_events","data":)" + quoted("{\"events\":[" + events + "]}") + "}";
}

std::string subscription_error(std::string_view channel, const SubscriptionRefusal& refusal) {
    return R"({"event":"pusher:subscription_error","channel":)" + quoted(channel) + R"(,"data":{"type":)" +
           quoted(refusal.type) + ",\"error\":" + quoted(refusal.error) +
           ",\"status\":" + std::to_string(refusal.status) + "}}";
}

}  // namespace tulle::node::pusher
