#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

namespace tulle {

/// The smallest number of steps from `a` to `b`. A step inserts, removes or replaces a letter, or exchanges two
/// neighbours. For suggestions of the kind "did you mean X?".
///
/// Cost: time and memory grow with the product of the lengths, so the function is for short names only.
[[nodiscard]] inline std::size_t edit_distance(std::string_view a, std::string_view b) {
    // rows[i][j] is the distance between the first i letters of `a` and the first j letters of `b` (optimal string
    // alignment).
    std::vector<std::vector<std::size_t>> rows(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            if (i == 0 || j == 0) {
                rows[i][j] = i + j;
                continue;
            }
            // The cheapest last step: remove a letter, insert a letter, or keep or replace a letter.
            rows[i][j] = std::min(
                {rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
            // Two exchanged neighbours count as one step, because swapped letters are a common slip.
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
            }
        }
    }
    return rows[a.size()][b.size()];
}

}  // namespace tulle
