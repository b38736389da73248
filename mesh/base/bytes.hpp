#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tulle {

/// An immutable, reference-counted body: made once at ingress, shared until the last socket has written it. Any thread.
using SharedBytes = std::shared_ptr<const std::string>;

[[nodiscard]] inline SharedBytes share(std::string bytes) {
    return std::make_shared<const std::string>(std::move(bytes));
}

/// FNV-1a, 64 bits, with a final mix (SplitMix64): the same on every machine. For digests that travel, for tables there
/// is mesh/base/hash.hpp.
[[nodiscard]] std::uint64_t stable_hash(std::string_view bytes);

}  // namespace tulle
