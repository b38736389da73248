#include "node/pusher/wire/event_frame.hpp"

#include <cstdint>
#include <optional>

#include "mesh/base/json_text.hpp"
#include "mesh/base/utf8.hpp"
#include "node/pusher/wire/raw_json.hpp"

namespace tulle::node::pusher {
namespace {

/// The name of an event without a name, as clients need a name to listen to.
constexpr std::string_view kNameless = "message";

/// Base64 of RFC 4648 with padding, as browsers decode.
std::string base64(std::string_view bytes) {
    constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::string_view three = bytes.substr(at, 3);
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            // Missing bytes at the end count as 0; padding stands for them below.
            bits = bits << 8 | (i < three.size() ? static_cast<unsigned char>(three[i]) : 0u);
        }
        for (std::size_t i = 0; i < 4; ++i) {
            text.push_back(i <= three.size() ? kDigits[(bits >> (18 - 6 * i)) & 0x3Fu] : '=');
        }
    }
    return text;
}

/// A JSON string without its quotes. REQUIRES: at least two characters.
std::string_view unquoted(std::string_view json) {
    return json.substr(1, json.size() - 2);
}

}  // namespace

EventTail::EventTail(const EventBody& body)
    : name_(body.name().empty() ? kNameless : body.name()),
      data_key_("\""),
      data_(body.data()),
      user_(body.sender()),
      end_("}") {
    // Most names need no escape, and stay a view of the body.
    if (!is_plain_json_text(name_)) {
        append_json_string(escaped_, name_);
        name_ = unquoted(escaped_);
    }
    if (body.kind() == DataKind::kBytes) {
        take_bytes(body);
    }
    if (!data_.empty()) {
        data_key_ = "\",\"data\":";
    }
    if (!user_.empty()) {
        user_key_ = ",\"user_id\":";
    }
}

void EventTail::take_bytes(const EventBody& body) {
    if (is_utf8(body.data())) {
        append_json_string(made_, body.data());
    } else {
        made_ = "\"" + base64(body.data()) + "\"";
        end_ = ",\"encoding\":\"base64\"}";
    }
    data_ = made_;
}

std::string event_members(const EventBody& body) {
    const EventTail tail(body);
    const std::string_view key = kEventFrameName.substr(1);  // without the quote behind the channel
    std::string text;
    text.reserve(key.size() + tail.size());
    text.append(key).append(tail.name()).append(tail.data_key()).append(tail.data());
    return text.append(tail.user_key()).append(tail.user()).append(tail.end());
}

std::string event_frame(std::string_view channel, const EventBody& body, std::string_view id) {
    std::string frame(kEventFrameHead);
    frame.append(channel);
    if (!id.empty()) {
        frame.append(kEventFrameId).append(id);
    }
    return frame.append("\"").append(event_members(body));
}

std::string event_data(const EventBody& body) {
    const EventTail tail(body);
    return tail.data().empty() ? "null" : std::string(tail.data());
}

std::string event_name(std::string_view text, std::string_view raw) {
    std::optional<std::string> name = raw.empty() ? std::nullopt : json_string_text(raw);
    return name ? *std::move(name) : std::string(text);
}

std::string escaped_name(std::string_view channel) {
    return std::string(unquoted(quoted(channel)));
}

}  // namespace tulle::node::pusher
