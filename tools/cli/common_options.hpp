#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "tools/cli/commands.hpp"

/// Options that several commands have, in one form. All referenced values must live until the command line is parsed.
namespace tulle::cli {

/// The admin listener of the documentation.
inline constexpr const char* kDefaultAdmin = "127.0.0.1:9601";
/// Seconds that a node waits for other nodes at most.
inline constexpr double kMaxMeshSeconds = 10;
/// Nodes that an option may count at most.
inline constexpr int kMaxExpected = 1'000'000;

/// Adds an option in seconds, with a fraction. The help shows `value` as the default.
CLI::Option* add_seconds(CLI::App& command, const std::string& name, std::chrono::milliseconds& value,
                         const std::string& about, double least, double most);

/// Adds --token-file. The token itself is never an argument, because others can see arguments.
void add_token_file(CLI::App& command, std::string& file);

/// Adds the options of every command that asks the admin listener of a node: --admin, --token-file, --timeout and
/// --json. `json`: the help of --json. `most_seconds`: the largest timeout; kMaxMeshSeconds where the node asks others.
void add_admin_options(CLI::App& command, AdminOptions& options, const std::string& json, double most_seconds = 3'600);

/// Adds --json.
void add_json(CLI::App& command, bool& json, const std::string& about);

/// Adds --watch, with the seconds between two looks; 2 without a number.
void add_watch(CLI::App& command, WatchInterval& every);

/// Adds --expect.
void add_expect(CLI::App& command, std::optional<std::size_t>& expect, const std::string& about);

}  // namespace tulle::cli
