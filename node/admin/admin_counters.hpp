#pragma once

#include "node/edge/shard_counters.hpp"

namespace tulle::node {

/// The refusals of the admin listener. The listener's thread writes and reads.
struct AdminCounters {
    /// Requests that a web page may have made.
    Counter pages_refused_total;
    /// Connections ended to make room for another connection, and new connections closed because all others were busy.
    Counter connections_ended_total;
    /// Questions refused because as many questions as allowed waited for other nodes.
    Counter questions_refused_total;
};

}  // namespace tulle::node
