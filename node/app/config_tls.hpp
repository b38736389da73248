#pragma once

#include <string>
#include <vector>

#include "node/app/config.hpp"

namespace tulle::node {

/// Throws ConfigError when a key of TLS stands without the others that it needs.
void check_tls(const Config& config);

/// Reads the certificates and keys that the configuration names, as the node will. Returns what is strange about them,
/// in words. Throws ConfigError for files that cannot be used.
[[nodiscard]] std::vector<std::string> check_tls_files(const Config& config);

}  // namespace tulle::node
