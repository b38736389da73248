#pragma once

#include <vector>

#include "node/app/config_entry.hpp"
#include "node/pusher/core/webhooks.hpp"

namespace tulle::node {

/// Reads [[apps.webhooks]], the webhooks of an app. Throws ConfigError.
[[nodiscard]] std::vector<Webhook> webhooks_of(const Entry& entry);
/// Reads [webhooks], the settings for the webhooks of all apps. Throws ConfigError.
[[nodiscard]] WebhookSettings webhook_settings_of(const Entry& entry);

}  // namespace tulle::node
