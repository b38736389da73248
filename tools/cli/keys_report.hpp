#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tools/cli/doctor_report.hpp"

/// The mesh keys of all nodes, and how far a change of the key has come.
namespace tulle::cli {

/// What an operator wants to be true of all nodes. Both empty: no more than that all nodes have equal keys.
struct KeyGoal {
    /// Every node accepts the key with this id: the key may be used now.
    std::string accepted;
    /// Every node uses the key with this id, and no connection bears another key: other keys may be dropped now.
    std::string used;
};

/// The result of a look at the keys of all nodes.
struct KeyVerdict {
    /// What is missing, a sentence for each node and fault. Empty: the goal is reached.
    std::vector<std::string> missing;
    /// True when no node has a key.
    bool is_open = false;
};

/// Judges whether the goal is reached. A node that has not answered, fully or at all, is missing: nobody knows its
/// keys. `expect`: so many nodes must have answered; 0: any number.
[[nodiscard]] KeyVerdict judge_keys(const MeshSample& sample, const KeyGoal& goal, std::size_t expect);

/// A table with a line for each node: the keys in use and accepted, and the connections by key.
[[nodiscard]] std::string keys_text(const MeshSample& sample, std::size_t width = 0);
/// {"nodes":[{"name":…,"used":…,"accepted":[…],"bound":…,"uses":[…]}],"missing":[…]}
[[nodiscard]] std::string keys_json(const MeshSample& sample, const KeyVerdict& verdict);

}  // namespace tulle::cli
