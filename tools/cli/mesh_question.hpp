#pragma once

#include <chrono>
#include <string>

#include "mesh/base/result.hpp"
#include "tools/cli/admin.hpp"
#include "tools/cli/doctor_report.hpp"

namespace tulle::cli {

/// Asks the admin listener `server` of a node for the reports of all nodes. The node waits for the others for
/// `timeout`. An error is a sentence: nobody has answered, or the answer is no report.
[[nodiscard]] Result<MeshSample, std::string> ask_mesh(Admin& admin, const std::string& server,
                                                       std::chrono::milliseconds timeout);

}  // namespace tulle::cli
