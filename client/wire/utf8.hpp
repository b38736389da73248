#pragma once

#include <string>
#include <string_view>

namespace tulle::client {

/// The text with every byte that is not part of well-formed UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string valid_utf8(std::string_view text);

}  // namespace tulle::client
