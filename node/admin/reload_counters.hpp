#pragma once

#include "node/edge/shard_counters.hpp"

namespace tulle::node {

/// What has come of reading the apps. Written by the main thread, read by the admin listener's.
struct ReloadCounters {
    Counter last_successful;  ///< 1 or 0
    Counter reloads_total;
    Counter failures_total;
    Counter apps;  ///< served now
};

}  // namespace tulle::node
