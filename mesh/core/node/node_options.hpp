#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mesh/core/node/messages.hpp"
#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {

/// The node's identity and behaviour. Fixed for the life of a MeshNode.
struct NodeOptions {
    /// Drawn at the start of the process; not 0.
    OriginId oid;
    std::string cluster;
    std::string name;
    std::string version;
    /// As reachable for the other nodes.
    Endpoints endpoints;
    /// The ids of the node's mesh keys at the start.
    MeshKeyIds key_ids = {};
    /// The wall clock less the monotonic clock at the start, in microseconds.
    std::int64_t wall_offset_us = 0;
    /// Control endpoints to knock at.
    std::vector<std::string> seeds;
    /// "host:port" with a name as host: each address of the name is a seed.
    std::vector<std::string> seed_names = {};
    Timing timing;
    Limits limits;
    /// Source of 64 bits that nobody can guess from former values: session tags and nonces are made of these bits.
    /// Without a source the node uses its own generator, with repeatable values for tests.
    std::function<std::uint64_t()> secret = {};
    /// Newest protocol version to speak. Only tests change the value, to play a node of the version before.
    std::uint32_t newest_protocol = kProtocolVersion;
};

}  // namespace tulle::mesh
