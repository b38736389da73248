#pragma once

#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

namespace tulle::cli {

/// The shells that completion_script() writes for, as the command line names them.
inline constexpr std::string_view kShells[] = {"bash", "zsh", "fish"};

/// A script for `shell`, one of kShells, that completes the subcommands and options of `app`, and the values of options
/// that have few. The script is made from the tree of commands, so that no command can be missing. Pure.
/// REQUIRES: `shell` is one of kShells.
[[nodiscard]] std::string completion_script(const CLI::App& app, std::string_view shell);

}  // namespace tulle::cli
