#include "client/wire/codec.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <boost/json.hpp>

#include "client/core/channel_name.hpp"
#include "client/wire/event_detail.hpp"
#include "client/wire/json_text.hpp"

namespace tulle::client {
namespace {

namespace json = boost::json;

// The prefixes of the protocol's own event names. Servers use the internal prefix for some, applications never see the
// prefix.
constexpr std::string_view kInternal = "pusher_internal:";
constexpr std::string_view kProtocol = "pusher:";

using Decoded = Result<ServerMessage, DecodeErrc>;

/// The data of a protocol message: an object, or a string containing the JSON of an object. The protocol uses both
/// forms.
std::optional<json::object> data_object(const json::object& frame) {
    const json::value* data = frame.if_contains("data");
    if (data != nullptr && data->is_object()) {
        return data->get_object();
    }
    return parse_object(text_of(frame, "data"));
}

/// True for two decimal numbers with a dot between. A socket id becomes part of signatures, so no other text is
/// accepted.
bool is_socket_id(std::string_view id) {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const std::size_t dot = id.find('.');
    if (dot == std::string_view::npos || dot == 0 || dot + 1 == id.size() || id.size() > kMaxSocketIdBytes) {
        return false;
    }
    const std::string_view tail = id.substr(dot + 1);
    return std::all_of(id.begin(), id.begin() + static_cast<std::ptrdiff_t>(dot), is_digit) &&
           std::all_of(tail.begin(), tail.end(), is_digit);
}

Decoded decode_established(const json::object& frame) {
    const std::optional<json::object> data = data_object(frame);
    if (!data) {
        return DecodeErrc::kBadField;
    }
    // Every later step depends on both fields, so neither has a default.
    const json::value* timeout = data->if_contains("activity_timeout");
    std::string socket_id = text_of(*data, "socket_id");
    if (!is_socket_id(socket_id) || timeout == nullptr || !timeout->is_int64() || timeout->get_int64() < 1) {
        return DecodeErrc::kBadField;
    }
    const std::chrono::seconds seconds(std::min(timeout->get_int64(), kMaxActivitySeconds));
    return ServerMessage{Established{std::move(socket_id), seconds}};
}

Decoded decode_error(const json::object& frame) {
    const std::optional<json::object> data = data_object(frame);
    if (!data) {
        return DecodeErrc::kBadField;
    }
    ServerError error{std::nullopt, text_of(*data, "message"), text_of(frame, "channel")};
    // A code outside the range of close codes is ignored; the message is still worth reporting.
    const json::value* code = data->if_contains("code");
    if (code != nullptr && code->is_int64() && code->get_int64() >= 0 && code->get_int64() <= 65'535) {
        error.code = static_cast<int>(code->get_int64());
    }
    return ServerMessage{std::move(error)};
}

Decoded decode_sign_in_success(const json::object& frame, std::string_view source) {
    std::optional<SignInSuccess> success = decode_sign_in(data_text(frame, source));
    return success ? Decoded(ServerMessage{std::move(*success)}) : Decoded(DecodeErrc::kBadField);
}

Decoded decode_watchlist_events(const json::object& frame, std::string_view source) {
    std::optional<WatchlistEvents> events = decode_watchlist(data_text(frame, source));
    return events ? Decoded(ServerMessage{std::move(*events)}) : Decoded(DecodeErrc::kBadField);
}

/// The answer to a subscription. A presence channel without a readable list is an error, because the list is the
/// purpose of the channel.
Decoded decode_succeeded(std::string channel, std::string data) {
    std::vector<Member> members;
    if (is_presence(channel)) {
        std::optional<std::vector<Member>> listed = decode_members(data);
        if (!listed) {
            return DecodeErrc::kBadField;
        }
        members = std::move(*listed);
    }
    return ServerMessage{SubscriptionSucceeded{std::move(channel), std::move(data), std::move(members)}};
}

/// A frame about a channel: the answer to a subscription, an event of the server, or an event of another publisher.
Decoded decode_channel_event(const json::object& frame, std::string name, std::string_view source) {
    std::string channel = text_of(frame, "channel");
    // An unknown message without a channel is the business of a later version of the protocol.
    if (channel.empty()) {
        return frame.contains("channel") ? Decoded(DecodeErrc::kBadField) : Decoded(ServerMessage{Unknown{}});
    }
    std::string data = data_text(frame, source);
    if (name == "pusher_internal:subscription_succeeded") {
        return decode_succeeded(std::move(channel), std::move(data));
    }
    if (name == "pusher:subscription_error") {
        Fault fault = decode_subscription_error(data);
        return ServerMessage{SubscriptionError{std::move(channel), std::move(data), std::move(fault)}};
    }
    // Renamed before the detail is decoded, so the rest of the client knows only public names.
    if (name.starts_with(kInternal)) {
        name = std::string(kProtocol) + name.substr(kInternal.size());
    }
    std::optional<Detail> detail = decode_detail(channel, name, data);
    if (!detail) {
        return DecodeErrc::kBadField;
    }
    return ServerMessage{ChannelEvent{std::move(channel), std::move(name), std::move(data), scalar_of(frame, "user_id"),
                                      std::move(*detail)}};
}

json::object to_json(const Ping&) {
    return {{"event", "pusher:ping"}, {"data", json::object()}};
}

json::object to_json(const Pong&) {
    return {{"event", "pusher:pong"}, {"data", json::object()}};
}

json::object to_json(const SubscribeRequest& request) {
    json::object data{{"channel", json_string(request.channel)}};
    // Public channels have neither field.
    if (!request.auth.empty()) {
        data["auth"] = json_string(request.auth);
    }
    if (!request.channel_data.empty()) {
        data["channel_data"] = json_string(request.channel_data);
    }
    return {{"event", "pusher:subscribe"}, {"data", std::move(data)}};
}

json::object to_json(const UnsubscribeRequest& request) {
    return {{"event", "pusher:unsubscribe"}, {"data", {{"channel", json_string(request.channel)}}}};
}

json::object to_json(const SignInRequest& request) {
    return {{"event", "pusher:signin"},
            {"data", {{"auth", json_string(request.auth)}, {"user_data", json_string(request.user_data)}}}};
}

json::object to_json(const ClientEvent& event) {
    return {
        {"event", json_string(event.name)}, {"channel", json_string(event.channel)}, {"data", json_string(event.data)}};
}

}  // namespace

std::string_view describe(DecodeErrc error) {
    switch (error) {
        case DecodeErrc::kNotJson:
            return "not JSON, or nested too deep";
        case DecodeErrc::kNotObject:
            return "not a JSON object";
        case DecodeErrc::kNoEvent:
            return "no event name";
        case DecodeErrc::kBadField:
            return "a field is missing or has the wrong type";
    }
    return "unknown error";
}

Decoded decode(std::string_view text) {
    const std::optional<json::value> value = parse_json(text);
    if (!value) {
        return DecodeErrc::kNotJson;
    }
    if (!value->is_object()) {
        return DecodeErrc::kNotObject;
    }
    const json::object& frame = value->get_object();
    std::string name = text_of(frame, "event");
    if (name.empty()) {
        return DecodeErrc::kNoEvent;
    }
    // Messages about the connection come first. All remaining messages concern a channel.
    if (name == "pusher:connection_established") {
        return decode_established(frame);
    }
    if (name == "pusher:error") {
        return decode_error(frame);
    }
    if (name == "pusher:ping") {
        return ServerMessage{Ping{}};
    }
    if (name == "pusher:pong") {
        return ServerMessage{Pong{}};
    }
    if (name == "pusher:signin_success") {
        return decode_sign_in_success(frame, text);
    }
    if (name == "pusher_internal:watchlist_events") {
        return decode_watchlist_events(frame, text);
    }
    return decode_channel_event(frame, std::move(name), text);
}

std::string encode(const ClientMessage& message) {
    return json::serialize(std::visit([](const auto& alternative) { return to_json(alternative); }, message));
}

std::string subscription_error_data(std::string_view type, std::string_view error) {
    return json::serialize(json::object{{"type", json_string(type)}, {"error", json_string(error)}, {"status", 401}});
}

}  // namespace tulle::client
