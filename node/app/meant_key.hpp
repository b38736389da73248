#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "mesh/base/edit_distance.hpp"

namespace tulle::node {

/// The first of the names in `known` that `name` was probably meant to be: a letter is wrong, or two letters of a
/// longer name. Empty when no name is like `name`. The result refers to `known`'s texts.
template <class Names>
[[nodiscard]] std::string_view meant_key(std::string_view name, const Names& known) {
    // In names shorter than six letters, two wrong letters make many names alike.
    constexpr std::size_t kLongKeyBytes = 6;
    for (const std::string_view key : known) {
        const std::size_t most = key.size() >= kLongKeyBytes ? 2 : 1;
        // The distance is never smaller than the difference in length, which is cheaper to compute.
        const std::size_t lengths = std::max(name.size(), key.size()) - std::min(name.size(), key.size());
        if (lengths <= most && edit_distance(name, key) <= most) {
            return key;
        }
    }
    return {};
}

}  // namespace tulle::node
