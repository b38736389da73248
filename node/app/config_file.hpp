#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "node/app/config.hpp"

namespace tulle::node {

struct ConfigFile {
    Settings settings;
    std::vector<App> apps;
};

/// Reads a TOML text: the keys of config.hpp at the top, and apps as [[apps]] tables. `path` is for messages, and what
/// secret_file is relative to. Throws ConfigError with file, line and key for whatever is unknown, malformed or of the
/// wrong type.
[[nodiscard]] ConfigFile parse_config_file(std::string_view text, const std::string& path);

/// The same for a file on disk; throws ConfigError when it cannot be read.
[[nodiscard]] ConfigFile load_config_file(const std::string& path);

}  // namespace tulle::node
