#pragma once

#include <vector>

#include "node/app/config_entry.hpp"
#include "node/pusher/core/history_rule.hpp"

namespace tulle::node {

/// Reads [[apps.history]], the rules of an app for its channels. Throws ConfigError.
[[nodiscard]] std::vector<HistoryRule> history_rules_of(const Entry& entry);

}  // namespace tulle::node
