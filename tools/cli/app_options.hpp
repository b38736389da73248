#pragma once

#include <CLI/CLI.hpp>

#include "tools/cli/commands.hpp"

namespace tulle::cli {

/// --url, --app-key and --app-secret.
void add_app_options(CLI::App& command, AppOptions& app);

/// --app-id.
void add_app_id_option(CLI::App& command, AppOptions& app);

/// The node of the documentation, when no --url was given.
void use_default_url(AppOptions& app);

}  // namespace tulle::cli
