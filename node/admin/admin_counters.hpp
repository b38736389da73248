#pragma once

#include "node/edge/shard_counters.hpp"

namespace tulle::node {

/// What the admin listener refuses. Written and read by its thread.
struct AdminCounters {
    Counter pages_refused_total;      ///< requests that a web page may have made
    Counter connections_ended_total;  ///< to make room for another
    Counter questions_refused_total;  ///< as many as may wait for other nodes waited already
};

}  // namespace tulle::node
