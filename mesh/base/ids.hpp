#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mesh/base/strong.hpp"

namespace tulle {

/// One incarnation of a node, and the node's identity on the wire: 64 random bits drawn at process start, never zero. A
/// restarted node is another origin.
using OriginId = Strong<struct OriginIdTag, std::uint64_t>;

/// The id as sixteen lower-case hexadecimal digits.
[[nodiscard]] std::string to_hex(OriginId oid);
/// The id written as sixteen hexadecimal digits; nothing for any other text. Upper-case digits and zero are accepted.
[[nodiscard]] std::optional<OriginId> origin_from_hex(std::string_view text);

}  // namespace tulle
