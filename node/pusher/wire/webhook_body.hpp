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

/// Webhooks as their endpoints read them.
namespace tulle::node::pusher {

/// One element of a request's `events`, of the types that clients wrote: an id may be a number, the data of a client
/// event anything.
[[nodiscard]] std::string webhook_event(const Happening& what);
/// The same element as Pusher sends it and as its typed SDKs demand: an id of a user is a string, and so is the data of
/// a client event, by its JSON unless it was one. What is counted stays a number. REQUIRES: a JSON object.
[[nodiscard]] std::string with_strings(const std::string& event);
/// The same element with the types that clients wrote, but for an id or data that usual readers of JSON refuse, and the
/// whole request with it: nested deeper than kMaxWebhookValueDepth, or with a number beyond any double. Such a one is a
/// string, by its JSON.
/// REQUIRES: a JSON object.
[[nodiscard]] std::string with_readable_types(const std::string& event);
/// The element with U+FFFD for each half of a surrogate pair, and zeros for an exponent beyond any double, that a
/// client wrote: strict readers (serde_json, PHP's) refuse the whole request for one, and every other event in the
/// request with it.
[[nodiscard]] std::string for_strict_readers(std::string event);
/// The same of a client event, as it was published.
[[nodiscard]] std::string client_event_hook(std::string_view channel, std::string_view socket_id,
                                            const EventBody& body);
[[nodiscard]] std::string cache_miss_hook(std::string_view channel);

/// A whole request's body. `time_ms`: of the wall clock, since 1970.
[[nodiscard]] std::string webhook_body(std::uint64_t time_ms, const std::vector<SharedBytes>& events);
/// Name and value of the headers that every request bears: type, key, signature.
using HeaderList = std::vector<std::pair<std::string, std::string>>;
[[nodiscard]] HeaderList webhook_headers(const App& app, std::string_view body);

/// An event that its node hands to the one that tells the endpoints: opaque to the mesh, input from a peer to the
/// reader.
struct WebhookTask {
    WebhookEvent event = WebhookEvent::kClientEvent;
    std::string json;  ///< an element of `events`
    friend bool operator==(const WebhookTask&, const WebhookTask&) = default;
};
[[nodiscard]] std::string encode(const WebhookTask& task);
/// Nothing for any text that encode does not produce of a JSON object.
[[nodiscard]] std::optional<WebhookTask> decode_webhook_task(std::string_view text);

/// The body of the event that tells the subscribers of a channel how many they are.
[[nodiscard]] EventBody subscription_count_body(std::uint64_t count);

}  // namespace tulle::node::pusher
