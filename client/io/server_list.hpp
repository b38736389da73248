#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/wire/server_url.hpp"

namespace tulle::client {

/// The parsed URLs, in order. Throws std::invalid_argument, naming `who` and the URL, for one that cannot be used and
/// for an empty list.
[[nodiscard]] std::vector<ServerUrl> parse_servers(const std::vector<std::string>& urls, std::string_view scheme,
                                                   std::string_view who);

}  // namespace tulle::client
