#pragma once

#include <string>
#include <vector>

#include "mesh/io/mesh_runner.hpp"

namespace tulle::node::testing {

/// A mesh on free ports of loopback, for tests of edges over real meshes. `peers`: control endpoints.
inline mesh::MeshOptions mesh_options(const std::string& cluster, const std::string& name,
                                      const std::vector<std::string>& peers) {
    mesh::MeshOptions options;
    options.name = name;
    options.cluster = cluster;
    options.version = "test";
    options.mesh = "127.0.0.1:0";
    options.mesh_data = "127.0.0.1:0";
    options.peers = peers;
    return options;
}

}  // namespace tulle::node::testing
