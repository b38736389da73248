#pragma once

#include <vector>

#include "node/app/config_entry.hpp"
#include "node/pusher/core/webhooks.hpp"

namespace tulle::node {

/// [[apps.webhooks]]: the webhooks of one app. Throws ConfigError.
[[nodiscard]] std::vector<Webhook> webhooks_of(const Entry& entry);
/// [webhooks]: what holds for those of all apps. Throws ConfigError.
[[nodiscard]] WebhookSettings webhook_settings_of(const Entry& entry);

}  // namespace tulle::node
