#pragma once

#include <vector>

#include "node/app/config.hpp"

namespace tulle::node {

/// Throws ConfigError for too many apps, and for two apps with the same id or key.
void check_apps(const std::vector<App>& apps);

/// Throws ConfigError when an outbox cannot hold a single event of an app: each such event would close its client.
void check_outbox(const Config& config);

/// Throws ConfigError when the list of a presence channel does not fit into an outbox, because a new subscriber gets
/// the whole list. Only raised limits are checked: the defaults of list and outbox are accepted together.
void check_presence(const Config& config);

}  // namespace tulle::node
