#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tulle {

/// HMAC-SHA256 and MD5 in lower-case hexadecimal, by OpenSSL. No other file of the cores uses OpenSSL. Pure; any
/// thread, each thread with contexts of its own.
[[nodiscard]] std::string hmac_sha256_hex(std::string_view key, std::string_view message);
[[nodiscard]] std::string md5_hex(std::string_view bytes);

/// Derives `out` from a secret by HKDF-SHA256 without a salt (RFC 5869). `info` names the use; equal arguments give
/// equal bytes for ever. REQUIRES: `out` has at most 8,160 bytes.
void hkdf_sha256(std::span<const unsigned char> secret, std::string_view info, std::span<unsigned char> out);

/// Compares two secrets. The duration does not depend on the place of the first difference, so an attacker cannot guess
/// a signature byte by byte. Only a difference in length shows at once.
[[nodiscard]] bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace tulle
