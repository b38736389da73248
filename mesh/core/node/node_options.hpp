#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mesh/core/node/messages.hpp"
#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {

/// Who this node is and how it behaves. Fixed for the life of a mesh_node.
struct NodeOptions {
    OriginId oid;  ///< not 0
    std::string cluster;
    std::string name;
    std::string version;
    Endpoints endpoints;                       ///< as the others reach it
    std::int64_t wall_offset_us = 0;           ///< the wall clock less the monotonic one, at the start
    std::vector<std::string> seeds;            ///< control endpoints to knock at
    std::vector<std::string> seed_names = {};  ///< "host:port" whose host is a name: each of its addresses is a seed
    Timing timing;
    Limits limits;
    /// 64 bits that nobody can guess from those that came before: session tags are made of them. The node's own
    /// generator (which repeats, for tests) when there is none.
    std::function<std::uint64_t()> secret = {};
    std::uint32_t newest_protocol = kProtocolVersion;  ///< for tests alone: this node is of the version before
};

}  // namespace tulle::mesh
