#pragma once

#include <cstddef>

namespace tulle::node {

/// The most connections of a node's public listener, by kind. Each limit is the whole node's: NodeLimits enforces the
/// first two over all shards, and each shard gets an equal part of `http`.
struct Capacity {
    /// Connections of all kinds.
    std::size_t connections = 0;
    /// Connections that are upgraded to WebSockets. The rest of `connections` is kept for HTTP: backends and health
    /// checks.
    std::size_t clients = 0;
    /// Connections that are not upgraded: connections that have sent nothing yet, and HTTP connections, idle or not.
    std::size_t http = 0;

    friend bool operator==(const Capacity&, const Capacity&) = default;
};

/// Divides `max_connections`: a quarter (8 to 4096) may be HTTP connections, and a sixteenth (4 to 256) may be nothing
/// but HTTP connections.
[[nodiscard]] Capacity capacity_of(std::size_t max_connections);

/// The descriptors that a process with `descriptors` in all keeps for everything but public connections: the mesh, the
/// admin listener (kMaxAdminConnections), webhooks, and the descriptors of the threads.
[[nodiscard]] std::size_t reserved_descriptors(std::size_t descriptors, std::size_t shards);
/// The greatest max_connections for a process with `descriptors`, within kMinConnections and kMaxConnections. Also the
/// default of max_connections.
[[nodiscard]] std::size_t max_connections_of(std::size_t descriptors, std::size_t shards);

}  // namespace tulle::node
