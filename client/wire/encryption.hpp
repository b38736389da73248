#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client/core/limits.hpp"
#include "client/core/sealed_channels.hpp"
#include "mesh/base/result.hpp"

/// The encryption of private-encrypted-* channels: XSalsa20 and Poly1305, as in the official libraries. Nodes see
/// {"nonce","ciphertext"} in base64, and never a key. Pure; any thread.
namespace tulle::client {

/// A random number for one event. The caller draws the nonce, and never uses a nonce twice with one key.
using Nonce = std::array<std::uint8_t, kNonceBytes>;

/// The kKeyBytes bytes of a key given in base64; nothing for any other text.
[[nodiscard]] std::optional<std::string> decode_key(std::string_view base64);

/// The key of a channel, kKeyBytes long: SHA-256 of the channel's name followed by the master key, as in the official
/// server libraries. REQUIRES: a master key of kKeyBytes bytes.
[[nodiscard]] std::string channel_key(std::string_view channel, std::string_view master_key);

/// A key in base64, as an application's server hands the key to clients (shared_secret).
[[nodiscard]] std::string encode_key(std::string_view key);

/// The data of an encrypted event. Only holders of the key can read the data. REQUIRES: a key of kKeyBytes bytes.
[[nodiscard]] std::string seal(std::string_view key, const Nonce& nonce, std::string_view plain);

/// The plain text of an encrypted event's data. kMalformed: `data` is not {"nonce","ciphertext"} in proper lengths.
/// kWrongKey: the key has another length, or does not open the data.
[[nodiscard]] Result<std::string, SealErrc> open_sealed(std::string_view key, std::string_view data);

}  // namespace tulle::client
