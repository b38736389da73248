#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "node/app/config.hpp"

namespace tulle::node {

struct ConfigFile {
    Settings settings;
    std::vector<App> apps;
    WebhookSettings webhooks;
};

/// Reads a TOML text: the keys of config.hpp at the top, apps as [[apps]] tables, and [webhooks]. `path` is for
/// messages, and what secret_file is relative to. Throws ConfigError with file, line and key for whatever is unknown,
/// malformed or of the wrong type.
[[nodiscard]] ConfigFile parse_config_file(std::string_view text, const std::string& path);

/// The same for a file on disk; throws ConfigError when it cannot be read.
[[nodiscard]] ConfigFile load_config_file(const std::string& path);

/// Whether a file of this name in apps_dir is an app's: "*.toml", but for what editors leave behind while they write.
[[nodiscard]] bool is_app_file(std::string_view name);

/// One app: the keys of an [[apps]] table at the top. Throws like parse_config_file.
[[nodiscard]] App parse_app_file(std::string_view text, const std::string& path);

/// The apps of all app files in a directory, in the order of their names. Throws ConfigError for the first that is
/// wrong.
[[nodiscard]] std::vector<App> load_apps_dir(const std::string& directory);

}  // namespace tulle::node
