#pragma once

#include <string>

#include "node/app/config.hpp"

namespace tulle::node {

/// The effective configuration as TOML: every key of keys() in the order of the help, then apps and realms. Behind each
/// value stands its origin: the flag, the variable, file and line, or "default". A key without a value stands in a
/// comment. Secrets, texts of mesh keys and the URLs of webhooks are left out. Pure.
[[nodiscard]] std::string printed_config(const Config& config);

}  // namespace tulle::node
