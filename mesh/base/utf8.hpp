#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tulle {

/// True for UTF-8 in shortest forms, without surrogates and without code points beyond U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text);

/// Makes any text UTF-8: of a text that is none, each byte that is no ASCII becomes "?".
void make_utf8(std::string& text);

/// The number of code points. SDKs count code points or UTF-16 units, and the second count is never smaller.
/// REQUIRES: UTF-8. For any other text the result is the number of bytes other than continuation bytes.
[[nodiscard]] std::size_t characters_in(std::string_view text);

}  // namespace tulle
