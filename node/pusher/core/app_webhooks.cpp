#include "node/pusher/core/app_webhooks.hpp"

#include <algorithm>
#include <map>

#include "node/pusher/core/channel_name.hpp"

namespace tulle::node {

std::vector<EndpointId> endpoints_for(const App& app, WebhookEvent event, std::string_view channel) {
    std::vector<EndpointId> endpoints;
    std::map<std::string_view, std::size_t> seen;
    for (const Webhook& webhook : app.webhooks) {
        // Several webhooks may have the same URL, with other filters or headers. The ordinal tells such webhooks apart
        // in an EndpointId, so every webhook counts, also without an interest in the event.
        const std::size_t ordinal = seen[webhook.url]++;
        if (wants(webhook, event, channel)) {
            endpoints.push_back({app.id, webhook.url, ordinal});
        }
    }
    return endpoints;
}

bool has_webhook_for(const App& app, WebhookEvent event, std::string_view channel) {
    return std::any_of(app.webhooks.begin(), app.webhooks.end(),
                       [&](const Webhook& webhook) { return wants(webhook, event, channel); });
}

bool tells_subscriptions(const App& app, std::string_view channel) {
    return app.subscription_count && !channel.starts_with('#') && classify(channel).type != ChannelType::kPresence;
}

bool counts_subscriptions(const App& app, std::string_view channel) {
    return tells_subscriptions(app, channel) || (classify(channel).type != ChannelType::kPresence &&
                                                 has_webhook_for(app, WebhookEvent::kSubscriptionCount, channel));
}

bool watches_channel(const App& app, std::string_view channel) {
    return counts_subscriptions(app, channel) || has_webhook_for(app, WebhookEvent::kChannelOccupied, channel) ||
           has_webhook_for(app, WebhookEvent::kChannelVacated, channel);
}

bool watches_members(const App& app, std::string_view channel) {
    return classify(channel).type == ChannelType::kPresence &&
           (has_webhook_for(app, WebhookEvent::kMemberAdded, channel) ||
            has_webhook_for(app, WebhookEvent::kMemberRemoved, channel));
}

const Webhook* find_webhook(const App& app, const EndpointId& endpoint) {
    std::size_t ordinal = 0;
    for (const Webhook& webhook : app.webhooks) {
        if (webhook.url == endpoint.url && ordinal++ == endpoint.ordinal) {
            return &webhook;
        }
    }
    return nullptr;
}

}  // namespace tulle::node
