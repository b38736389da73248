#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// What the commands of a session share: reading numbers, and errors in Redis' words.
namespace tulle::node::redis {

inline constexpr std::string_view kSyntaxError = "ERR syntax error";

/// The number that the whole text stands for, as Redis reads numbers: no sign but "-", no spaces, no leading zeros.
[[nodiscard]] std::optional<std::int64_t> number_of(std::string_view text);

/// The error for a wrong number of arguments. `command`: in lower case, as in "publish" or "client|id".
[[nodiscard]] std::string wrong_arity(std::string_view command);

}  // namespace tulle::node::redis
