#pragma once

#include <cstddef>
#include <string_view>

namespace tulle {

/// Whether the text is UTF-8: shortest forms, no surrogates, nothing beyond U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text);

/// Code points, which is what SDKs count at most for a character; an SDK that counts UTF-16 finds as many or more.
/// REQUIRES: UTF-8. Of any other text, the bytes that are no continuation.
[[nodiscard]] std::size_t characters_in(std::string_view text);

}  // namespace tulle
