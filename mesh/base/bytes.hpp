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

/// FNV-1a, 64 bits, with a final mix (SplitMix64): the same on every machine. For digests that travel, not for tables fed
/// by attackers.
[[nodiscard]] std::uint64_t stable_hash(std::string_view bytes);

/// So that string-keyed tables can be searched by string_view without a copy.
struct StringHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
};

}  // namespace tulle
