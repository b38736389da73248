#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "tools/chaos/history.hpp"

namespace tulle::chaos {

/// Turns an answer of GET /v1/status into a kView of the node, without a time. Returns nothing for a text of another
/// form. Nodes are called n1, n2…; a peer with another name has number 0. The members are sorted by number and oid, so
/// that equal views compare equal.
[[nodiscard]] std::optional<Event> view_from(std::uint32_t node, std::string_view status);

}  // namespace tulle::chaos
