#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/bytes.hpp"
#include "mesh/base/event_body.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/core/webhook_desk.hpp"
#include "node/pusher/core/webhooks.hpp"

/// Webhooks in the form that endpoints read.
namespace tulle::node::pusher {

/// An element of a request's `events`, with the JSON types that clients wrote: an id may be a number, the data of a
/// client event any value.
[[nodiscard]] std::string webhook_event(const Happening& what);
/// The element as Pusher sends it, and as Pusher's typed SDKs demand: the id of a user is a string, and so are the data
/// of a client event; a value other than a string is sent as its JSON. Counts stay numbers. REQUIRES: `event` is a JSON
/// object.
[[nodiscard]] std::string with_strings(const std::string& event);
/// The element with the types that clients wrote, except for an id or data that usual readers of JSON refuse, and with
/// the value the whole request: nested deeper than kMaxWebhookValueDepth, or with a number beyond every double. Such a
/// value is sent as its JSON in a string. REQUIRES: `event` is a JSON object.
[[nodiscard]] std::string with_readable_types(const std::string& event);
/// The element with U+FFFD for each half of a surrogate pair, and with zeros for an exponent beyond every double.
/// Strict readers (serde_json, PHP's) would refuse the whole request, and with the request every other event in it.
[[nodiscard]] std::string for_strict_readers(std::string event);
/// The element for a client event, as published. `socket_id` is the sender's.
[[nodiscard]] std::string client_event_hook(std::string_view channel, std::string_view socket_id,
                                            const EventBody& body);
/// The element for a cache miss.
[[nodiscard]] std::string cache_miss_hook(std::string_view channel);

/// The body of a whole request. `time_ms` is the wall clock in milliseconds since 1970. `events` are elements.
[[nodiscard]] std::string webhook_body(std::uint64_t time_ms, const std::vector<SharedBytes>& events);
/// Names and values of headers.
using HeaderList = std::vector<std::pair<std::string, std::string>>;
/// The headers of every request: type, key, and signature of `body` by the app's secret.
[[nodiscard]] HeaderList webhook_headers(const App& app, std::string_view body);

/// An event on its way from the node where it arose to the node that tells the endpoints. The mesh does not read the
/// text; to the reader, the text is input from a peer.
struct WebhookTask {
    WebhookEvent event = WebhookEvent::kClientEvent;
    /// An element of `events`.
    std::string json;
    friend bool operator==(const WebhookTask&, const WebhookTask&) = default;
};
/// The text for the mesh.
[[nodiscard]] std::string encode(const WebhookTask& task);
/// Nothing for a text that encode() cannot have produced from a JSON object.
[[nodiscard]] std::optional<WebhookTask> decode_webhook_task(std::string_view text);

/// The event for the subscribers of a channel: how many they are.
[[nodiscard]] EventBody subscription_count_body(std::uint64_t count);

}  // namespace tulle::node::pusher
