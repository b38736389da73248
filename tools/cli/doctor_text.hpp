#pragma once

#include <cstddef>
#include <string>

#include "tools/cli/doctor_judge.hpp"

namespace tulle::cli {

/// The largest mesh with a matrix of all pairs. A larger matrix is hard to read; nodes and findings are shown always.
inline constexpr std::size_t kMaxMatrixNodes = 12;

/// The diagnosis for people: a table of the nodes, a matrix of the pairs, and the findings.
[[nodiscard]] std::string doctor_text(const Diagnosis& diagnosis, std::size_t width = 0);
/// The diagnosis for programs: {"verdict":"ok"|"wrong","nodes":[…],"pairs":[…],"findings":[…]}.
[[nodiscard]] std::string doctor_json(const Diagnosis& diagnosis);

}  // namespace tulle::cli
