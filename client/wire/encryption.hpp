#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client/core/limits.hpp"
#include "client/core/sealed_channels.hpp"
#include "mesh/base/result.hpp"

/// The encryption of private-encrypted-* channels: XSalsa20 and Poly1305, as the official libraries have it. Nodes see
/// {"nonce","ciphertext"} in base64 and no key. Pure; any thread.
namespace tulle::client {

/// From outside; never from a generator, and never used twice with one key.
using Nonce = std::array<std::uint8_t, kNonceBytes>;

/// kKeyBytes from their base64; nothing for any other text.
[[nodiscard]] std::optional<std::string> decode_key(std::string_view base64);

/// The key of a channel: what a server kit makes of the master key, kKeyBytes long. REQUIRES: kKeyBytes of master key.
[[nodiscard]] std::string channel_key(std::string_view channel, std::string_view master_key);

/// The base64 of a key, as an application's server gives it to clients (shared_secret).
[[nodiscard]] std::string encode_key(std::string_view key);

/// The data of an event that only those read who have the key. REQUIRES: kKeyBytes of key.
[[nodiscard]] std::string seal(std::string_view key, const Nonce& nonce, std::string_view plain);

/// The opposite.
[[nodiscard]] Result<std::string, SealErrc> open_sealed(std::string_view key, std::string_view data);

}  // namespace tulle::client
