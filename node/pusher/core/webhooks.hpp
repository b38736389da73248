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

/// What a webhook tells of.
enum class WebhookEvent : std::uint8_t {
    kChannelOccupied,
    kChannelVacated,
    kMemberAdded,
    kMemberRemoved,
    kClientEvent,
    kCacheMiss,
    kSubscriptionCount,
};
inline constexpr std::size_t kWebhookEvents = 7;

/// As requests and configurations write it: "channel_occupied" and so on.
[[nodiscard]] std::string_view name_of(WebhookEvent event);
[[nodiscard]] std::optional<WebhookEvent> webhook_event_of(std::string_view name);

/// An endpoint of an app that is told of events.
struct Webhook {
    std::string url;  ///< http:// or https://; checked by the configuration
    std::bitset<kWebhookEvents> events = std::bitset<kWebhookEvents>().set();
    std::string channel_name_starts_with;  ///< empty: every channel
    std::string channel_name_ends_with;
    std::vector<std::pair<std::string, std::string>> headers;  ///< besides our own
    bool batch = true;                                         ///< several events in one request
    /// Data of client events and ids of users of the JSON types that clients wrote, as soketi and Sockudo send them;
    /// else strings.
    bool keep_types = false;
    friend bool operator==(const Webhook&, const Webhook&) = default;
};

/// `channel` is the bare name. Channels of the server's own ('#') are never told of.
[[nodiscard]] bool wants(const Webhook& webhook, WebhookEvent event, std::string_view channel);

/// An endpoint as it stays the same over a reload: of the app's webhooks with this URL the one at that place, from 0.
struct EndpointId {
    std::string app_id;
    std::string url;
    std::size_t ordinal = 0;
    friend auto operator<=>(const EndpointId&, const EndpointId&) = default;
};

/// What holds for all apps of a node.
struct WebhookSettings {
    AddressPolicy addresses;
    Duration vacated_hold = kDefaultWebhookHold;
    Duration removed_hold = kDefaultWebhookHold;
    Duration timeout = kDefaultWebhookTimeout;
    Duration retry_for = kDefaultWebhookRetryFor;
    std::size_t queue_events = kDefaultWebhookQueueEvents;
    std::size_t queue_bytes = kDefaultWebhookQueueBytes;

    friend bool operator==(const WebhookSettings&, const WebhookSettings&) = default;
};

}  // namespace tulle::node
