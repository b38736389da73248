#pragma once

#include <cstddef>

namespace tulle::node {

/// What the connections of a node's public listener may be, by kind. Each limit is the node's, whatever shard they are
/// on.
struct Capacity {
    std::size_t connections = 0;  ///< of all kinds
    /// of them, upgraded to WebSockets; the rest is kept for HTTP: backends and health checks
    std::size_t clients = 0;
    /// of them, not upgraded: they have shown nothing yet, or are idle between two requests
    std::size_t http = 0;

    friend bool operator==(const Capacity&, const Capacity&) = default;
};

/// Of `max_connections`: a quarter (8 to 4096) may be HTTP connections, and a sixteenth (4 to 256) may be nothing else.
[[nodiscard]] Capacity capacity_of(std::size_t max_connections);

/// What a process that may have so many descriptors keeps for all but its public connections: the mesh, the admin
/// listener (kMaxAdminConnections), webhooks, and the threads' own.
[[nodiscard]] std::size_t reserved_descriptors(std::size_t descriptors, std::size_t shards);
/// The greatest max_connections for these descriptors, which is also the default.
[[nodiscard]] std::size_t max_connections_of(std::size_t descriptors, std::size_t shards);

}  // namespace tulle::node
