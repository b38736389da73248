#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "mesh/base/result.hpp"
#include "tools/cli/admin.hpp"
#include "tools/cli/doctor_report.hpp"

namespace tulle::cli {

/// Asks the admin listener `server` of a node for the reports of all nodes. The node waits for the others for
/// `timeout`. An error is a sentence: nobody has answered, or the answer is no report.
[[nodiscard]] Result<MeshSample, std::string> ask_mesh(Admin& admin, const std::string& server,
                                                       std::chrono::milliseconds timeout);

/// The result of asking several admin listeners.
struct MeshLook {
    /// Up to three, some hundred milliseconds apart; one is enough for a settled mesh. Empty: nobody has answered.
    std::vector<MeshSample> samples;
    /// A sentence for each listener without an answer, of the last sample.
    std::vector<std::string> errors;
};

/// Asks all admin listeners `servers`, and merges what they answer. `token` is for all of them.
/// Errors: throws std::invalid_argument for a server that is no address.
[[nodiscard]] MeshLook sample_mesh(const std::vector<std::string>& servers, const std::string& token,
                                   std::chrono::milliseconds timeout);

}  // namespace tulle::cli
