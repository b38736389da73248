#include "node/protocol/pusher/webhook_body.hpp"

#include <utility>

#include "mesh/base/digest.hpp"
#include "mesh/base/json_members.hpp"
#include "mesh/base/readable_json.hpp"
#include "node/protocol/pusher/codec.hpp"
#include "node/protocol/pusher/presence.hpp"
#include "node/protocol/pusher/raw_json.hpp"

namespace tulle::node::pusher {
namespace {

constexpr char kTaskSeparator = '\n';  // after the name of the event, which holds none

std::string head_of(WebhookEvent event, std::string_view channel) {
    return "{\"name\":" + quoted(name_of(event)) + ",\"channel\":" + quoted(channel);
}

}  // namespace

std::string webhook_event(const Happening& what) {
    if (what.json) {
        return *what.json;
    }
    std::string text = head_of(what.event, what.channel);
    if (what.event == WebhookEvent::kSubscriptionCount) {
        text.append(",\"subscription_count\":").append(std::to_string(what.count));
    } else if (!what.user.empty()) {
        // As the user's connection wrote it: a string or a number.
        text.append(",\"user_id\":").append(what.card ? std::string(id_of_card(*what.card)) : quoted(what.user));
    }
    return text.append("}");
}

std::string with_strings(const std::string& event) {
    std::string text = "{";
    for (const JsonMember& member : json_members(event)) {
        const bool is_string = member.value.starts_with('"');
        const bool must_be_one = member.name == "\"data\"" || member.name == "\"user_id\"";
        text.append(text.size() == 1 ? "" : ",").append(member.name).append(":");
        text.append(is_string || !must_be_one ? std::string(member.value) : quoted(member.value));
    }
    return text.append("}");
}

std::string for_strict_readers(std::string event) {
    std::optional<std::string> readable = readable_json(event);
    return readable ? *std::move(readable) : std::move(event);
}

std::string client_event_hook(std::string_view channel, std::string_view socket_id, std::string_view body) {
    return head_of(WebhookEvent::kClientEvent, channel).append(",\"socket_id\":").append(quoted(socket_id)).append(body);
}

std::string cache_miss_hook(std::string_view channel) { return head_of(WebhookEvent::kCacheMiss, channel).append("}"); }

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

std::string subscription_count_body(std::uint64_t count) {
    return event_body("pusher_internal:subscription_count", quoted("{\"subscription_count\":" + std::to_string(count) + "}"));
}

}  // namespace tulle::node::pusher
