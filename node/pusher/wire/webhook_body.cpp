#include "node/pusher/wire/webhook_body.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

#include "mesh/base/digest.hpp"
#include "mesh/base/json_members.hpp"
#include "mesh/base/readable_json.hpp"
#include "node/pusher/core/webhook_limits.hpp"
#include "node/pusher/wire/event_frame.hpp"
#include "node/pusher/wire/presence.hpp"
#include "node/pusher/wire/raw_json.hpp"

namespace tulle::node::pusher {
namespace {

/// Ends the name of the event, as no such name holds a line feed.
constexpr char kTaskSeparator = '\n';

/// The beginning of an element: name and channel.
std::string head_of(WebhookEvent event, std::string_view channel) {
    return "{\"name\":" + quoted(name_of(event)) + ",\"channel\":" + quoted(channel);
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// The power of ten named by the text behind an "e". A power beyond all sizes of a JSON text is cut, so that sums with
/// the power cannot overflow.
std::int64_t power_of(std::string_view text) {
    constexpr std::int64_t kBeyondAll = std::int64_t{1} << 40;
    const bool is_negative = text.starts_with('-');
    text.remove_prefix(is_negative || text.starts_with('+') ? 1 : 0);
    std::int64_t power = 0;
    const bool is_long =
        std::from_chars(text.data(), text.data() + text.size(), power).ec == std::errc::result_out_of_range;
    power = is_long ? kBeyondAll : std::min(power, kBeyondAll);
    return is_negative ? -power : power;
}

/// True when the number is beyond every double. A number too near to zero for a double does no harm: readers take 0.
bool is_too_large(std::string_view number) {
    number.remove_prefix(number.starts_with('-') ? 1 : 0);
    double value = 0;
    if (std::from_chars(number.data(), number.data() + number.size(), value).ec != std::errc::result_out_of_range) {
        return false;
    }
    // from_chars reports both kinds of excess alike. The place of the first digit other than 0, counted from the point
    // and moved by the power, tells a large number from a small number.
    const std::size_t mark = std::min(number.find_first_of("eE"), number.size());
    const std::string_view digits = number.substr(0, mark);
    const std::int64_t power = mark < number.size() ? power_of(number.substr(mark + 1)) : 0;
    const std::size_t first = digits.find_first_of("123456789");
    const std::size_t point = std::min(digits.find('.'), digits.size());
    return first != std::string_view::npos &&
           static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first) + power > 0;
}

/// True when usual readers take the value. The text is scanned without a parser, as its depth and length are a
/// stranger's. REQUIRES: `json` is JSON.
bool everyone_reads(std::string_view json) {
    std::size_t depth = 0;
    for (std::size_t at = 0; at < json.size(); ++at) {
        const char c = json[at];
        if (c == '"') {
            // Brackets and digits inside a string do not count.
            for (++at; at < json.size() && json[at] != '"'; ++at) {
                at += json[at] == '\\' ? 1u : 0u;
            }
        } else if (c == '[' || c == '{') {
            if (++depth > kMaxWebhookValueDepth) {
                return false;
            }
        } else if (c == ']' || c == '}') {
            --depth;
        } else if (c == '-' || is_digit(c)) {
            const std::size_t end = std::min(json.find_first_not_of("0123456789+-.eE", at), json.size());
            if (is_too_large(json.substr(at, end - at))) {
                return false;
            }
            at = end - 1;
        }
    }
    return true;
}

/// The event with an id or data as a string, wherever `must_be_one` is true for the value.
template <class MustBeOne>
std::string rewritten(const std::string& event, MustBeOne must_be_one) {
    std::string text = "{";
    for (const JsonMember& member : json_members(event)) {
        const bool may_be_one =
            (member.name == "\"data\"" || member.name == "\"user_id\"") && !member.value.starts_with('"');
        text.append(text.size() == 1 ? "" : ",").append(member.name).append(":");
        text.append(may_be_one && must_be_one(member.value) ? quoted(member.value) : std::string(member.value));
    }
    return text.append("}");
}

}  // namespace

std::string webhook_event(const Happening& what) {
    // A client event and a cache miss were written by the node where they arose.
    if (what.json) {
        return *what.json;
    }
    std::string text = head_of(what.event, what.channel);
    if (what.event == WebhookEvent::kSubscriptionCount) {
        text.append(",\"subscription_count\":").append(std::to_string(what.count));
    } else if (!what.user.empty()) {
        // The id as written by the user's connection: a string or a number.
        text.append(",\"user_id\":").append(what.card ? std::string(id_of_card(*what.card)) : quoted(what.user));
    }
    return text.append("}");
}

std::string with_strings(const std::string& event) {
    return rewritten(event, [](std::string_view) { return true; });
}

std::string with_readable_types(const std::string& event) {
    return rewritten(event, [](std::string_view value) { return !everyone_reads(value); });
}

std::string for_strict_readers(std::string event) {
    std::optional<std::string> readable = readable_json(event);
    return readable ? *std::move(readable) : std::move(event);
}

std::string client_event_hook(std::string_view channel, std::string_view socket_id, const EventBody& body) {
    return head_of(WebhookEvent::kClientEvent, channel)
        .append(",\"socket_id\":")
        .append(quoted(socket_id))
        .append(event_members(body));
}

std::string cache_miss_hook(std::string_view channel) {
    return head_of(WebhookEvent::kCacheMiss, channel).append("}");
}

std::string webhook_body(std::uint64_t time_ms, const std::vector<SharedBytes>& events) {
    std::string body = "{\"time_ms\":" + std::to_string(time_ms) + ",\"events\":[";
    for (std::size_t i = 0; i < events.size(); ++i) {
        body.append(i == 0 ? "" : ",").append(*events[i]);
    }
    return body.append("]}");
}

HeaderList webhook_headers(const App& app, std::string_view body) {
    return {{"Content-Type", "application/json"},
            {"X-Pusher-Key", app.key},
            {"X-Pusher-Signature", hmac_sha256_hex(app.secret, body)}};
}

std::string encode(const WebhookTask& task) {
    return std::string(name_of(task.event)).append(1, kTaskSeparator).append(task.json);
}

std::optional<WebhookTask> decode_webhook_task(std::string_view text) {
    const std::size_t end = text.find(kTaskSeparator);
    const std::optional<WebhookEvent> event = webhook_event_of(text.substr(0, end));
    if (end == std::string_view::npos || !event || !RawObject::parse(text.substr(end + 1))) {
        return std::nullopt;
    }
    return WebhookTask{*event, std::string(text.substr(end + 1))};
}

EventBody subscription_count_body(std::uint64_t count) {
    return {"pusher_internal:subscription_count", quoted("{\"subscription_count\":" + std::to_string(count) + "}")};
}

}  // namespace tulle::node::pusher
