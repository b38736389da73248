#pragma once

#include <string_view>
#include <vector>

#include "node/pusher/core/apps.hpp"
#include "node/pusher/core/webhooks.hpp"

/// How the webhooks in an app's configuration decide: which endpoints hear of an event, and which channels a node must
/// watch.
namespace tulle::node {

/// The endpoints of `app` that want `event` on `channel`, in the order of the configuration. `channel` is the bare
/// name, without the app id. Empty when no webhook of the app matches.
[[nodiscard]] std::vector<EndpointId> endpoints_for(const App& app, WebhookEvent event, std::string_view channel);
/// True when endpoints_for() would name at least a single endpoint. `channel` is the bare name.
[[nodiscard]] bool has_webhook_for(const App& app, WebhookEvent event, std::string_view channel);

/// True when clients or a webhook are told the number of subscribers of `channel` (bare name). Always false for
/// presence channels: the members of a presence channel are counted as users instead.
[[nodiscard]] bool counts_subscriptions(const App& app, std::string_view channel);
/// True when clients are told the number of subscribers of `channel`: the app has `subscription_count` on, and the
/// channel is neither a presence channel nor internal (name with '#').
[[nodiscard]] bool tells_subscriptions(const App& app, std::string_view channel);
/// True when a change of the subscriber count of `channel` matters to anybody: somebody is told the number, or a
/// webhook wants channel_occupied or channel_vacated.
[[nodiscard]] bool watches_channel(const App& app, std::string_view channel);
/// True when `channel` is a presence channel and a webhook wants member_added or member_removed for the channel.
[[nodiscard]] bool watches_members(const App& app, std::string_view channel);

/// The webhook that `endpoint` names: of the app's webhooks with the same URL, the webhook at place `ordinal`. Null
/// when the configuration has no such webhook any more. The pointer is valid as long as `app`.
[[nodiscard]] const Webhook* find_webhook(const App& app, const EndpointId& endpoint);

}  // namespace tulle::node
