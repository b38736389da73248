#pragma once

#include <optional>
#include <string>

#include "node/app/config.hpp"

namespace tulle::node {

/// The command line of tulled, not yet checked beyond the names of flags.
struct CommandLine {
    Settings flags;
    std::string config_file;
    bool check_config = false;
    bool print_config = false;
    /// The descriptor for the orders of the demonstration page (demo_orders_to), which `tulle up` names; -1 for none.
    int demo_orders = -1;
    /// The text of --help or --version. When set, the caller prints the text and exits with 0.
    std::optional<std::string> print;
};

/// Reads the command line. Every key of keys() is a flag, with dashes in place of underscores.
/// Errors: throws ConfigError for an unknown flag and for a flag without its value.
[[nodiscard]] CommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace tulle::node
