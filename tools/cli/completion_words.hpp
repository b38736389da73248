#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

/// What can be completed, read from the tree of commands.
namespace tulle::cli {

/// What stands behind an option, or in the place of an argument.
enum class ValueKind {
    /// An option without a value, or one that may go without.
    kNone,
    /// One of `values`.
    kWord,
    kFile,
    kDirectory,
    /// A value that cannot be completed.
    kOther,
};

/// An option with all its names.
struct OptionWords {
    std::vector<std::string> names;
    std::string about;
    ValueKind kind = ValueKind::kNone;
    std::vector<std::string> values;
};

/// A command with the words that may follow the command.
struct CommandWords {
    /// The names from the program on, with blanks between the names: "tulle bench fanout".
    std::string path;
    std::string about;
    /// The last name of `path`.
    std::string name;
    /// The paths of the subcommands.
    std::vector<std::string> subcommands;
    std::vector<OptionWords> options;
    /// Values of the arguments without a name.
    std::vector<std::string> values;
    /// True when an argument names a file.
    bool takes_file = false;
};

/// The commands of `app` with all their subcommands, the program first. Pure.
[[nodiscard]] std::vector<CommandWords> words_of(const CLI::App& app);

}  // namespace tulle::cli
