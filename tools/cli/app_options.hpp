#pragma once

#include <CLI/CLI.hpp>

#include "tools/cli/commands.hpp"

namespace tulle::cli {

/// Adds the options --url, --app-key, --app-secret and --ca-file to `command`. `app` must live until the command line
/// is parsed.
void add_app_options(CLI::App& command, AppOptions& app);

/// Adds --encryption-key, for channels private-encrypted-….
void add_encryption_option(CLI::App& command, AppOptions& app);

/// Adds the option --app-id.
void add_app_id_option(CLI::App& command, AppOptions& app);

/// Fills in the URL of the documentation, ws://127.0.0.1:6001, when no --url was given.
void use_default_url(AppOptions& app);

}  // namespace tulle::cli
