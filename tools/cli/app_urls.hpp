#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tulle::cli {

/// Gives each URL the scheme `scheme` ("ws" or "http"), and "wss" or "https" if the URL is encrypted. A node serves
/// WebSockets and the HTTP API on the same port, so a single --url does for both. A URL with another scheme stays
/// unchanged, and is refused by its user.
[[nodiscard]] std::vector<std::string> with_scheme(const std::vector<std::string>& urls, std::string_view scheme);

}  // namespace tulle::cli
