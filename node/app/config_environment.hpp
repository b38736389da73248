#pragma once

#include <optional>
#include <string>
#include <vector>

#include "node/app/config.hpp"

namespace tulle::node {

/// What the environment says.
struct Environment {
    Settings settings;
    std::string config_file;           ///< TULLE_CONFIG
    std::optional<App> app;            ///< of TULLE_APP_ID, TULLE_APP_KEY and TULLE_APP_SECRET
    std::vector<std::string> missing;  ///< of these three, when only some are set
    std::vector<std::string> ignored;  ///< TULLE_* variables that are no setting of ours, for a warning
};

/// Reads TULLE_* variables ("NAME=value" texts). An empty value is not set. What others put there is ignored: the
/// variables of a Kubernetes Service or a linked container named tulle, and whatever is unlike every key of ours.
/// Throws ConfigError for a name that one of our keys was meant by, and for credentials of the app that are none.
[[nodiscard]] Environment read_environment(const std::vector<std::string>& environment);

/// The apps of the files, and the app of the environment unless the files have the very same. Throws ConfigError when
/// there is no other app and one of the three variables is missing.
[[nodiscard]] std::vector<App> with_app_of(const Environment& environment, std::vector<App> apps, bool has_apps_dir);

}  // namespace tulle::node
