#pragma once

#include <string>
#include <string_view>

namespace tulle::client {

/// The bytes of an encryption master key, empty when there is none. Throws std::invalid_argument, naming `who`, for a
/// text that is not the base64 of kKeyBytes.
[[nodiscard]] std::string master_key(const std::string& base64, std::string_view who);

}  // namespace tulle::client
