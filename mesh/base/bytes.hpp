#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tulle {

/// An immutable, reference-counted body. A body is made once at ingress and shared until the last socket has written
/// the body. Any thread.
using SharedBytes = std::shared_ptr<const std::string>;

/// Moves the bytes into a shared body, without a copy.
[[nodiscard]] inline SharedBytes share(std::string bytes) {
    return std::make_shared<const std::string>(std::move(bytes));
}

/// FNV-1a with 64 bits and a final mix (SplitMix64); equal on every machine. For digests exchanged between nodes. The
/// hash can be foreseen by strangers, so tables use mesh/base/hash.hpp.
[[nodiscard]] std::uint64_t stable_hash(std::string_view bytes);

}  // namespace tulle
