#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "tools/load/stamp.hpp"

namespace tulle::load {

/// Fills what a text has beyond its stamp.
inline constexpr char kFiller = 'x';

/// A text of this size, its stamp still to be written.
[[nodiscard]] inline std::string blank_text(std::size_t bytes) {
    return std::string(bytes, kFiller);
}

/// Length of the text that begins at `tail`: as far as there are characters of stamp and filler.
[[nodiscard]] inline std::size_t text_length(std::string_view tail) {
    std::size_t length = 1;
    while (length < tail.size()) {
        const char c = tail[length];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == kFiller)) {
            break;
        }
        ++length;
    }
    return length;
}

}  // namespace tulle::load
