#pragma once

#include <optional>
#include <string>
#include <vector>

#include "node/app/config.hpp"

namespace tulle::node {

/// The settings in the environment.
struct Environment {
    Settings settings;
    /// The value of TULLE_CONFIG; empty when not set.
    std::string config_file;
    /// The app of TULLE_APP_ID, TULLE_APP_KEY and TULLE_APP_SECRET, when all three are set.
    std::optional<App> app;
    /// The variables that are missing when only some of the three are set.
    std::vector<std::string> missing;
    /// TULLE_* variables that are no settings of tulled, for a warning.
    std::vector<std::string> ignored;
};

/// Reads the TULLE_* variables in `environment`, a list of "NAME=value" texts. A variable with an empty value counts as
/// not set.
///
/// Variables of other programs are ignored: the variables that Kubernetes sets for a Service named tulle and Docker for
/// a linked container named tulle, and all variables without likeness to a key.
///
/// Errors: throws ConfigError for a name that is probably a misspelt key, and for wrong credentials of the app.
[[nodiscard]] Environment read_environment(const std::vector<std::string>& environment);

/// Adds the app of the environment to `apps`, the apps of the files, unless the files have an app with the same id, key
/// and secret.
/// Errors: throws ConfigError when there is no other app and one of the three variables is missing.
[[nodiscard]] std::vector<App> with_app_of(const Environment& environment, std::vector<App> apps, bool has_apps_dir);

}  // namespace tulle::node
