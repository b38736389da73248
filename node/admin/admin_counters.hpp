#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "node/edge/shard_counters.hpp"

namespace tulle::node {

/// The counts of the admin listener. The listener's thread writes and reads.
struct AdminCounters {
    /// Requests that a web page may have made.
    Counter pages_refused_total;
    /// Connections ended to make room for another connection, and new connections closed because all others were busy.
    Counter connections_ended_total;
    /// Questions refused because as many questions as allowed waited for other nodes, and requests for the status that
    /// were answered without the mesh because as many as allowed waited.
    Counter questions_refused_total;
    /// Requests without a token that needed a token.
    Counter auth_missing_total;
    /// Wrong tokens.
    Counter auth_failures_total;
    /// Wrong tokens beyond the number that an address may send.
    Counter auth_throttled_total;
    /// Right tokens without the scope that the request needed.
    Counter scope_refused_total;
    /// Requests by the name of their token: an old token is replaced everywhere when its number stands still.
    std::map<std::string, std::uint64_t, std::less<>> token_uses{};
};

}  // namespace tulle::node
