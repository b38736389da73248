#pragma once

#include <cstddef>
#include <string>

#include "tools/cli/doctor_judge.hpp"

namespace tulle::cli {

/// Up to so many nodes a matrix of all pairs is shown; beyond, only what is found.
inline constexpr std::size_t kMaxMatrixNodes = 12;

/// For people: the nodes, the pairs, and what is found.
[[nodiscard]] std::string doctor_text(const Diagnosis& diagnosis);
/// For programs: {"verdict":"ok"|"wrong","nodes":[…],"pairs":[…],"findings":[…]}.
[[nodiscard]] std::string doctor_json(const Diagnosis& diagnosis);

}  // namespace tulle::cli
