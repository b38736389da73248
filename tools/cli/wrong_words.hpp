#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace tulle::cli {

/// A sentence about the first error in the order of words; empty for none. Two errors are found: a word in the place of
/// a subcommand that is no subcommand, with the name that was probably meant; and an option of a subcommand before the
/// subcommand, where the library would report a less helpful error.
[[nodiscard]] std::string wrong_subcommand(const CLI::App& app, int argc, const char* const* argv);

}  // namespace tulle::cli
