#pragma once

#include <vector>

#include "tools/cli/doctor_pairs.hpp"

/// The part of the judgement about the realms of Redis clients.
namespace tulle::cli {

/// Appends what differs between the nodes: the realms that they have, and users and secret of a realm. Users and
/// secrets are compared by their digests, which nodes with the same mesh key have alone; of other nodes the doctor can
/// only tell whether a realm has a secret. A node without a Redis listener beside others is noted.
void judge_redis(const MeshSample& sample, const Labels& labels, std::vector<Finding>& out);

}  // namespace tulle::cli
