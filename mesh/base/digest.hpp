#pragma once

#include <string>
#include <string_view>

namespace tulle {

/// Hashing and signing by OpenSSL. The one place of it in the cores; pure functions, any thread.
[[nodiscard]] std::string hmac_sha256_hex(std::string_view key, std::string_view message);
[[nodiscard]] std::string md5_hex(std::string_view bytes);

/// Compares without telling by its duration where the first difference is. Texts of unequal length differ at once.
[[nodiscard]] bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace tulle
