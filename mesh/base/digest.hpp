#pragma once

#include <string>
#include <string_view>

namespace tulle {

/// HMAC-SHA256 and MD5 in lower-case hexadecimal, by OpenSSL. No other file of the cores uses OpenSSL. Pure; any
/// thread, each thread with contexts of its own.
[[nodiscard]] std::string hmac_sha256_hex(std::string_view key, std::string_view message);
[[nodiscard]] std::string md5_hex(std::string_view bytes);

/// Compares two secrets. The duration does not depend on the place of the first difference, so an attacker cannot guess
/// a signature byte by byte. Only a difference in length shows at once.
[[nodiscard]] bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace tulle
