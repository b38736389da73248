#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "mesh/base/edit_distance.hpp"

namespace tulle::node {

/// Of the names in `known` the first that `name` was meant to be, a letter being wrong, or two of a longer name; empty:
/// none.
template <class Names>
[[nodiscard]] std::string_view meant_key(std::string_view name, const Names& known) {
    constexpr std::size_t kLongKeyBytes = 6;
    for (const std::string_view key : known) {
        const std::size_t most = key.size() >= kLongKeyBytes ? 2 : 1;
        const std::size_t lengths = std::max(name.size(), key.size()) - std::min(name.size(), key.size());
        if (lengths <= most && edit_distance(name, key) <= most) {
            return key;
        }
    }
    return {};
}

}  // namespace tulle::node
