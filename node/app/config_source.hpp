#pragma once

#include <string>
#include <vector>

#include "node/app/command_line.hpp"
#include "node/app/config.hpp"
#include "node/app/config_environment.hpp"
#include "node/app/config_file.hpp"

namespace tulle::node {

/// Flags, environment, file and the directory of apps: read at the start, and again for a reload.
///
/// Errors: load and the reloads throw ConfigError, and what was read before stays in force.
class ConfigSource {
public:
    /// `environment`: "NAME=value" texts.
    ConfigSource(const CommandLine& line, const std::vector<std::string>& environment, Machine machine);

    /// TULLE_* variables that are no setting, for a warning.
    [[nodiscard]] const std::vector<std::string>& ignored_variables() const { return environment_.ignored; }
    /// Everything.
    [[nodiscard]] Config load();
    /// The apps of the directory anew; of the file what was read last, as somebody may be editing it.
    [[nodiscard]] Config reload_directory() const { return make(file_); }

private:
    [[nodiscard]] Config make(const ConfigFile& file) const;

    Settings flags_;
    Environment environment_;
    Machine machine_;
    std::string path_;
    ConfigFile file_;
};

}  // namespace tulle::node
