#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tulle::cli {

/// A node serves WebSockets and the HTTP API on one port, so one --url does for both: ws:// becomes http:// and the
/// other way round, wss:// becomes https://.
[[nodiscard]] std::vector<std::string> with_scheme(const std::vector<std::string>& urls, std::string_view scheme);

}  // namespace tulle::cli
