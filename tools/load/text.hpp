#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "tools/load/stamp.hpp"

namespace tulle::load {

/// Fills a text behind the stamp. No protocol escapes the character.
inline constexpr char kFiller = 'x';

/// A text of this size, with the stamp still to be written.
[[nodiscard]] inline std::string blank_text(std::size_t bytes) {
    return std::string(bytes, kFiller);
}

/// The length of the text at the beginning of `tail`: the mark, and all following characters of stamp and filler.
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
