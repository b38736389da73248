#include "client/wire/codec.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <boost/json.hpp>

#include "client/wire/raw_member.hpp"
#include "client/wire/utf8.hpp"

namespace tulle::client {
namespace {

namespace json = boost::json;

constexpr std::string_view kInternal = "pusher_internal:";
constexpr std::string_view kProtocol = "pusher:";
constexpr std::size_t kMaxSocketIdBytes = 64;
constexpr std::int64_t kMaxActivitySeconds = 86'400;

using Decoded = Result<ServerMessage, DecodeErrc>;

json::value parse(std::string_view text, json::error_code& error) {
    json::parse_options options;
    options.max_depth = kMaxJsonDepth;
    return json::parse({text.data(), text.size()}, error, {}, options);
}

std::string text_of(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains({key.data(), key.size()});
    if (value == nullptr || !value->is_string()) {
        return {};
    }
    return std::string(value->get_string().data(), value->get_string().size());
}

/// A name or id that may come as a string or as a number.
std::string scalar_of(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains({key.data(), key.size()});
    if (value != nullptr && value->is_number()) {
        return json::serialize(*value);
    }
    return text_of(object, key);
}

/// The data of a protocol message: an object, or (as the protocol has it) a string that holds the JSON of one.
std::optional<json::object> data_object(const json::object& frame) {
    const json::value* data = frame.if_contains("data");
    if (data != nullptr && data->is_object()) {
        return data->get_object();
    }
    json::error_code error;
    const json::value inner = parse(text_of(frame, "data"), error);
    if (error || !inner.is_object()) {
        return std::nullopt;
    }
    return inner.get_object();
}

std::string data_text(const json::object& frame, std::string_view source) {
    const json::value* data = frame.if_contains("data");
    if (data != nullptr && data->is_string()) {
        return text_of(frame, "data");
    }
    return std::string(raw_member(source, "data"));
}

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
    const json::value* code = data->if_contains("code");
    if (code != nullptr && code->is_int64() && code->get_int64() >= 0 && code->get_int64() <= 65'535) {
        error.code = static_cast<int>(code->get_int64());
    }
    return ServerMessage{std::move(error)};
}

Decoded decode_channel_event(const json::object& frame, std::string name, std::string_view source) {
    std::string channel = text_of(frame, "channel");
    if (channel.empty()) {
        return frame.contains("channel") ? Decoded(DecodeErrc::kBadField) : Decoded(ServerMessage{Unknown{}});
    }
    std::string data = data_text(frame, source);
    if (name == "pusher_internal:subscription_succeeded") {
        return ServerMessage{SubscriptionSucceeded{std::move(channel), std::move(data)}};
    }
    if (name == "pusher:subscription_error") {
        return ServerMessage{SubscriptionError{std::move(channel), std::move(data)}};
    }
    if (name.starts_with(kInternal)) {
        name = std::string(kProtocol) + name.substr(kInternal.size());
    }
    return ServerMessage{
        ChannelEvent{std::move(channel), std::move(name), std::move(data), scalar_of(frame, "user_id")}};
}

json::string utf8(std::string_view text) {
    const std::string valid = valid_utf8(text);
    return json::string(valid.data(), valid.size());
}

json::object to_json(const Ping&) {
    return {{"event", "pusher:ping"}, {"data", json::object()}};
}

json::object to_json(const Pong&) {
    return {{"event", "pusher:pong"}, {"data", json::object()}};
}

json::object to_json(const SubscribeRequest& request) {
    json::object data{{"channel", utf8(request.channel)}};
    if (!request.auth.empty()) {
        data["auth"] = utf8(request.auth);
    }
    if (!request.channel_data.empty()) {
        data["channel_data"] = utf8(request.channel_data);
    }
    return {{"event", "pusher:subscribe"}, {"data", std::move(data)}};
}

json::object to_json(const UnsubscribeRequest& request) {
    return {{"event", "pusher:unsubscribe"}, {"data", {{"channel", utf8(request.channel)}}}};
}

json::object to_json(const ClientEvent& event) {
    return {{"event", utf8(event.name)}, {"channel", utf8(event.channel)}, {"data", utf8(event.data)}};
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
    json::error_code error;
    const json::value value = parse(text, error);
    if (error) {
        return DecodeErrc::kNotJson;
    }
    if (!value.is_object()) {
        return DecodeErrc::kNotObject;
    }
    const json::object& frame = value.get_object();
    std::string name = text_of(frame, "event");
    if (name.empty()) {
        return DecodeErrc::kNoEvent;
    }
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
    return decode_channel_event(frame, std::move(name), text);
}

std::string encode(const ClientMessage& message) {
    return json::serialize(std::visit([](const auto& alternative) { return to_json(alternative); }, message));
}

std::string subscription_error_data(std::string_view type, std::string_view error) {
    return json::serialize(json::object{{"type", utf8(type)}, {"error", utf8(error)}, {"status", 401}});
}

}  // namespace tulle::client
