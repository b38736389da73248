#pragma once

#include <string>
#include <string_view>

namespace tulle::client {

/// The text with U+FFFD in place of every byte outside a well-formed UTF-8 sequence. Pure; any thread.
[[nodiscard]] std::string valid_utf8(std::string_view text);

}  // namespace tulle::client
