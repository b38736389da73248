#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace tulle::cli {

/// A sentence about the first error in the order of words; empty for none. Three errors are found, with the name that
/// was probably meant: a word in the place of a subcommand that is no subcommand; an option that does not exist; and an
/// option of a subcommand before the subcommand. The library would report less helpful errors.
[[nodiscard]] std::string wrong_word(const CLI::App& app, int argc, const char* const* argv);

}  // namespace tulle::cli
