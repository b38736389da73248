#pragma once

#include <optional>
#include <string>

#include "node/app/config.hpp"

namespace tulle::node {

struct CommandLine {
    Settings flags;
    std::string config_file;
    bool check_config = false;
    std::optional<std::string> print;  ///< help or version was asked for: print this and exit with 0
};

/// Throws ConfigError for unknown or malformed flags.
[[nodiscard]] CommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace tulle::node
