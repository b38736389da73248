#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/io/server_trust.hpp"
#include "client/wire/server_url.hpp"

namespace tulle::client {

/// The parsed URLs, in order. Throws std::invalid_argument for an unusable URL and for an empty list. The message
/// contains `who` and the URL.
[[nodiscard]] std::vector<ServerUrl> parse_servers(const std::vector<std::string>& urls, std::string_view scheme,
                                                   std::string_view who);

/// What is trusted over TLS; null when no server is reached over TLS. Throws as ServerTrust does.
[[nodiscard]] std::shared_ptr<ServerTrust> trust_for(const std::vector<ServerUrl>& servers, const std::string& ca_file,
                                                     std::string_view who);

}  // namespace tulle::client
