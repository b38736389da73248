#pragma once

#include "node/edge/shard_counters.hpp"

namespace tulle::node {

/// The results of reading the apps again. The main thread writes, the admin listener's thread reads.
struct ReloadCounters {
    /// 1 when the last reading succeeded, otherwise 0.
    Counter last_successful;
    /// Attempts to read the apps again.
    Counter reloads_total;
    /// Attempts that were refused; the node then goes on serving the apps of before.
    Counter failures_total;
    /// The number of apps that are served.
    Counter apps;
    /// 1 when the last reading of the certificates succeeded, otherwise 0.
    Counter tls_last_successful;
    /// Attempts to read the certificates again.
    Counter tls_reloads_total;
    /// Attempts that were refused; new connections then get the certificates of before.
    Counter tls_failures_total;
    /// The earliest end of the validity of a certificate, in seconds since 1970; 0 for a node without TLS.
    Counter tls_not_after;
};

}  // namespace tulle::node
