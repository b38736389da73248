#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "node/app/config.hpp"
#include "node/app/config_variables.hpp"

namespace tulle::node {

/// The contents of a configuration file.
struct ConfigFile {
    Settings settings;
    std::vector<App> apps;
    WebhookSettings webhooks;
    std::vector<GivenRealm> redis_realms;
};

/// Reads a TOML text: the keys of config.hpp at the top, apps as [[apps]] tables, realms as [[redis_realms]] tables,
/// and [webhooks]. `path` stands in messages, and paths in secret_file and apps_dir are relative to the directory of
/// `path`. `variables`: what ${NAME} in strings stands for.
/// Errors: throws ConfigError with file, line and key for an unknown key, a malformed value, and a value of the wrong
/// type.
[[nodiscard]] ConfigFile parse_config_file(std::string_view text, const std::string& path,
                                           const Variables& variables = {});

/// Reads the file `path` as parse_config_file reads a text. Throws ConfigError also when the file cannot be read.
[[nodiscard]] ConfigFile load_config_file(const std::string& path, const Variables& variables = {});

/// True when a file of this name in apps_dir is the file of an app: "*.toml", except for the files that editors make
/// while they write.
[[nodiscard]] bool is_app_file(std::string_view name);

/// Reads a file with a single app: the keys of an [[apps]] table, at the top. Throws ConfigError like
/// parse_config_file.
[[nodiscard]] App parse_app_file(std::string_view text, const std::string& path, const Variables& variables = {});

/// Reads all app files of a directory, in the order of their names. Throws ConfigError for the first wrong file, for a
/// file of more than kMaxAppFileBytes, and when the directory cannot be read.
[[nodiscard]] std::vector<App> load_apps_dir(const std::string& directory, const Variables& variables = {});

}  // namespace tulle::node
