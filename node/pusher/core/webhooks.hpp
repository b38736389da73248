#pragma once

#include <bitset>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/time.hpp"
#include "node/core/address_policy.hpp"
#include "node/pusher/core/webhook_limits.hpp"

namespace tulle::node {

/// The kinds of events that endpoints are told.
enum class WebhookEvent : std::uint8_t {
    kChannelOccupied,
    kChannelVacated,
    kMemberAdded,
    kMemberRemoved,
    kClientEvent,
    kCacheMiss,
    kSubscriptionCount,
};
/// Number of enumerators of WebhookEvent; a bitset of the events has this size.
inline constexpr std::size_t kWebhookEvents = 7;

/// The name in requests and configurations: "channel_occupied" and so on. Static text.
[[nodiscard]] std::string_view name_of(WebhookEvent event);
/// The inverse of name_of(); nothing for an unknown name.
[[nodiscard]] std::optional<WebhookEvent> webhook_event_of(std::string_view name);

/// An endpoint of an app, with the events that the endpoint wants.
struct Webhook {
    /// Begins with http:// or https://; checked by the configuration.
    std::string url;
    std::bitset<kWebhookEvents> events = std::bitset<kWebhookEvents>().set();
    /// Empty: every channel.
    std::string channel_name_starts_with;
    /// Empty: every channel. Both conditions must hold.
    std::string channel_name_ends_with;
    /// Beside Tulle's own headers.
    std::vector<std::pair<std::string, std::string>> headers;
    /// A request may hold several events.
    bool batch = true;
    /// Data of client events and ids of users keep the JSON types that clients wrote, as with soketi and Sockudo; else
    /// both are sent as strings.
    bool keep_types = false;
    friend bool operator==(const Webhook&, const Webhook&) = default;
};

/// True when the webhook wants `event` on `channel` (bare name). Internal channels ('#') are never told.
[[nodiscard]] bool wants(const Webhook& webhook, WebhookEvent event, std::string_view channel);

/// The identity of an endpoint, stable over a reload: of the app's webhooks with this URL, the webhook at place
/// `ordinal`, counted from 0.
struct EndpointId {
    std::string app_id;
    std::string url;
    std::size_t ordinal = 0;
    friend auto operator<=>(const EndpointId&, const EndpointId&) = default;
};

/// The settings of webhooks that hold for all apps of a node.
struct WebhookSettings {
    /// The addresses to which requests may go.
    AddressPolicy addresses;
    /// See kDefaultWebhookHold, for channel_vacated.
    Duration vacated_hold = kDefaultWebhookHold;
    /// See kDefaultWebhookHold, for member_removed.
    Duration removed_hold = kDefaultWebhookHold;
    /// Of a single attempt.
    Duration timeout = kDefaultWebhookTimeout;
    /// Age at which an event is given up.
    Duration retry_for = kDefaultWebhookRetryFor;
    /// Of a single endpoint.
    std::size_t queue_events = kDefaultWebhookQueueEvents;
    /// Of a single endpoint.
    std::size_t queue_bytes = kDefaultWebhookQueueBytes;

    friend bool operator==(const WebhookSettings&, const WebhookSettings&) = default;
};

}  // namespace tulle::node
