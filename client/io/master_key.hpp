#pragma once

#include <string>
#include <string_view>

namespace tulle::client {

/// The bytes of an encryption master key; empty for an empty text. Throws std::invalid_argument, with `who` in the
/// message, when the text is not the base64 of kKeyBytes bytes.
[[nodiscard]] std::string master_key(const std::string& base64, std::string_view who);

}  // namespace tulle::client
