#include "node/pusher/core/webhooks.hpp"

#include <algorithm>
#include <iterator>

namespace tulle::node {
namespace {

/// In the order of WebhookEvent.
constexpr std::string_view kNames[kWebhookEvents] = {
    "channel_occupied", "channel_vacated", "member_added",       "member_removed",
    "client_event",     "cache_miss",      "subscription_count",
};

}  // namespace

std::string_view name_of(WebhookEvent event) {
    return kNames[static_cast<std::size_t>(event)];
}

std::optional<WebhookEvent> webhook_event_of(std::string_view name) {
    const auto found = std::find(std::begin(kNames), std::end(kNames), name);
    if (found == std::end(kNames)) {
        return std::nullopt;
    }
    return static_cast<WebhookEvent>(found - std::begin(kNames));
}

bool wants(const Webhook& webhook, WebhookEvent event, std::string_view channel) {
    return webhook.events.test(static_cast<std::size_t>(event)) && !channel.starts_with('#') &&
           channel.starts_with(webhook.channel_name_starts_with) && channel.ends_with(webhook.channel_name_ends_with);
}

}  // namespace tulle::node
