#pragma once

#include <string_view>
#include <vector>

#include "node/pusher/core/apps.hpp"
#include "node/pusher/core/webhooks.hpp"

/// What the webhooks of an app make of its events.
namespace tulle::node {

/// The endpoints of an app that are to be told of such an event on a channel (its bare name).
[[nodiscard]] std::vector<EndpointId> endpoints_for(const App& app, WebhookEvent event, std::string_view channel);
[[nodiscard]] bool has_webhook_for(const App& app, WebhookEvent event, std::string_view channel);

/// Whether anybody is to be told how many subscribers the channel has: clients or a webhook. Presence channels have
/// users.
[[nodiscard]] bool counts_subscriptions(const App& app, std::string_view channel);
/// Whether clients are.
[[nodiscard]] bool tells_subscriptions(const App& app, std::string_view channel);
/// Whether it matters to anybody that the channel is occupied, or how many subscribers it has.
[[nodiscard]] bool watches_channel(const App& app, std::string_view channel);
/// Whether it matters to anybody who comes to the channel and goes.
[[nodiscard]] bool watches_members(const App& app, std::string_view channel);

/// Null when the webhook is gone. Valid as long as the app is.
[[nodiscard]] const Webhook* find_webhook(const App& app, const EndpointId& endpoint);

}  // namespace tulle::node
