#pragma once

#include <string>

#include "tools/cli/check_report.hpp"
#include "tools/cli/commands.hpp"

namespace tulle::cli {

/// `tulle check node`: judge one node, for a monitoring system.
struct CheckNodeOptions {
    AdminOptions admin;
    /// As check_text() takes the format.
    std::string format = "nagios";
    NodeLimits limits;
};

/// `tulle check mesh`: judge the mesh that a node is in.
struct CheckMeshOptions {
    AdminOptions admin;
    std::string format = "nagios";
    MeshLimits limits;
};

/// Asks, judges and prints. Both return the code of a Nagios plugin: 0 ok, 1 warning, 2 critical, 3 unknown. A node out
/// of reach is critical, and a node that refuses this program is unknown. Both throw as other commands do.
[[nodiscard]] int run_check_node(const CheckNodeOptions& options);
[[nodiscard]] int run_check_mesh(const CheckMeshOptions& options);

}  // namespace tulle::cli
