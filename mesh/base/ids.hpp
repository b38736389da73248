#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mesh/base/strong.hpp"

namespace tulle {

/// One incarnation of a node: 64 random bits drawn at process start, never zero. The identity on the wire.
using OriginId = Strong<struct OriginIdTag, std::uint64_t>;

/// Sixteen lower-case hexadecimal digits.
[[nodiscard]] std::string to_hex(OriginId oid);
/// The inverse of to_hex; nothing for any other text.
[[nodiscard]] std::optional<OriginId> origin_from_hex(std::string_view text);

}  // namespace tulle
