#pragma once

#include "mesh/core/node/node_status.hpp"
#include "node/admin/metric_families.hpp"

namespace tulle::node {

/// Adds the metrics of the mesh: the node's place in it, the counters of the hub, the peers and the mesh keys.
void add_mesh(const mesh::NodeStatus& status, Families& out);

}  // namespace tulle::node
