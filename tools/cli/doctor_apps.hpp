#pragma once

#include <vector>

#include "tools/cli/doctor_judge.hpp"
#include "tools/cli/doctor_pairs.hpp"
#include "tools/cli/doctor_report.hpp"

namespace tulle::cli {

/// Apps of which findings tell that they differ; of more, their number.
inline constexpr std::size_t kMostApps = 10;

/// Judges whether all nodes have the same apps, with the same settings and credentials, and the same rules for clients.
/// Apps are compared by digests; without a common mesh key there are none, or none that could be compared.
void judge_apps(const MeshSample& sample, const Labels& labels, std::vector<Finding>& out);

/// Judges the configured peers of a node that it has not met. A wrong port is wrong; a peer that nobody has started is
/// only noted. Refusals, and nodes that are dead, have findings of their own.
void judge_seeds(const NodeReport& node, const std::string& label, std::vector<Finding>& out);

}  // namespace tulle::cli
