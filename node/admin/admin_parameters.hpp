#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mesh/base/time.hpp"

namespace tulle::node {

inline constexpr std::uint64_t kDefaultAdminTimeoutMs = 2'000;
/// Below kHttpAnswerTimeout, the hub's patience included.
inline constexpr std::uint64_t kMaxAdminTimeoutMs = 10'000;

/// What a question to the mesh says in its query string. The texts are as given, unchecked; empty when absent.
struct AdminParameters {
    std::string app;
    std::string channel;
    Duration timeout{};  ///< `timeout_ms`, 1 to kMaxAdminTimeoutMs
};

/// Nothing when the query string is malformed or the timeout out of its range.
[[nodiscard]] std::optional<AdminParameters> parse_admin_parameters(std::string_view query);

}  // namespace tulle::node
