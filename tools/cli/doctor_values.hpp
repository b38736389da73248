#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "tools/cli/doctor_judge.hpp"

/// What the judges have in common that compare a value of all nodes.
namespace tulle::cli {

using Texts = std::vector<std::string>;

/// Nodes that a finding names; of more, their number.
inline constexpr std::size_t kMostNamed = 3;

/// The first labels, and the number of the others.
[[nodiscard]] inline std::string named(const Texts& labels) {
    std::string text;
    for (std::size_t i = 0; i < std::min(labels.size(), kMostNamed); ++i) {
        text.append(i == 0 ? "" : ", ").append(labels[i]);
    }
    return labels.size() > kMostNamed ? text + " and " + std::to_string(labels.size() - kMostNamed) + " more" : text;
}

/// Finds the nodes whose value is not that of most nodes. `values`: nodes by value. `complaint`: a sentence about a
/// node with the value, up to the nodes that have another one.
template <class Complaint>
void judge_values(const std::map<std::string, Texts>& values, Severity severity, const std::string& kind,
                  Complaint complaint, std::vector<Finding>& out) {
    const auto fewer = [](const auto& a, const auto& b) {
        // Of equal numbers the side with the first node counts as right, for a certain order.
        return a.second.size() != b.second.size() ? a.second.size() < b.second.size() : a.second > b.second;
    };
    const auto usual = std::max_element(values.begin(), values.end(), fewer);
    for (const auto& [value, labels] : values) {
        for (const std::string& label : labels) {
            if (value != usual->first) {
                out.push_back({severity, kind, {label}, complaint(value) + named(usual->second)});
            }
        }
    }
}

}  // namespace tulle::cli
