#include "node/core/capacity.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"
#include "node/core/limits.hpp"

namespace tulle::node {
namespace {

// Descriptors for the admin listener, webhooks, logs, files, ZeroMQ, and a mesh of some ten nodes.
constexpr std::size_t kBaseDescriptors = 160;
// Descriptors of a shard: epoll, eventfd, timer, acceptor, io_uring.
constexpr std::size_t kDescriptorsPerShard = 8;
// A mesh of more nodes needs more descriptors: a sixteenth of all …
constexpr std::size_t kMeshShare = 16;
// … up to a number that is enough for 400 nodes.
constexpr std::size_t kMaxMeshDescriptors = 4096;

}  // namespace

static_assert(kMinConnections >= 8 && kMinConnections <= kMaxConnections);

Capacity capacity_of(std::size_t max_connections) {
    // A small node still keeps half of its connections for WebSockets.
    const std::size_t for_http = std::min(std::clamp<std::size_t>(max_connections / 16, 4, 256), max_connections / 2);
    const std::size_t http = std::min(std::clamp<std::size_t>(max_connections / 4, 8, 4096), max_connections);
    TULLE_ASSERT(for_http <= max_connections && http <= max_connections);
    return {max_connections, max_connections - for_http, http};
}

std::size_t reserved_descriptors(std::size_t descriptors, std::size_t shards) {
    return kBaseDescriptors + kDescriptorsPerShard * shards + std::min(descriptors / kMeshShare, kMaxMeshDescriptors);
}

std::size_t max_connections_of(std::size_t descriptors, std::size_t shards) {
    const std::size_t reserved = reserved_descriptors(descriptors, shards);
    // Fewer descriptors than the reserve leave no connections; the least number is promised all the same.
    const std::size_t left = descriptors > reserved ? descriptors - reserved : 0;
    return std::clamp(left, kMinConnections, kMaxConnections);
}

}  // namespace tulle::node
