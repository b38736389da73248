#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "tools/chaos/history.hpp"

namespace tulle::chaos {

/// What an answer of GET /v1/status says, as a kView of that node without a time; nothing for what is no such answer.
/// Members are called n1, n2…; one with another name has number 0.
[[nodiscard]] std::optional<Event> view_from(std::uint32_t node, std::string_view status);

}  // namespace tulle::chaos
