#pragma once

#include <string>
#include <vector>

#include "node/app/command_line.hpp"
#include "node/app/config.hpp"
#include "node/app/config_environment.hpp"
#include "node/app/config_file.hpp"

namespace tulle::node {

/// The sources of the configuration: flags, environment, file, and the directory of apps. The sources are read at the
/// start, and again for a reload. Flags are stronger than the environment, and the environment is stronger than the
/// file.
///
/// Thread: one.
/// Errors: the constructor, load and reload_directory throw ConfigError. After an error the last good file stays in
/// force.
class ConfigSource {
public:
    /// `environment`: "NAME=value" texts. The environment is read once, because a process's environment does not change
    /// from outside.
    ConfigSource(const CommandLine& line, const std::vector<std::string>& environment, Machine machine);

    /// TULLE_* variables that are no settings, for a warning.
    [[nodiscard]] const std::vector<std::string>& ignored_variables() const { return environment_.ignored; }
    /// Reads the file, the directory and the admin tokens.
    [[nodiscard]] Config load();
    /// Reads the directory again. The contents of the file stay as last read by load(), because somebody may be editing
    /// the file.
    [[nodiscard]] Config reload_directory() const { return make(file_); }
    /// True when load() would succeed now. Changes nothing.
    [[nodiscard]] bool is_good_on_disk() const;

private:
    /// The file, and all sources joined with the file.
    struct Reading {
        ConfigFile file;
        Config config;
    };
    [[nodiscard]] Reading read() const;
    /// Joins all sources with `file`.
    [[nodiscard]] Config make(const ConfigFile& file) const;

    Settings flags_;
    /// The whole environment, for ${NAME} in the files.
    Variables variables_;
    Environment environment_;
    Machine machine_;
    /// For Config::demo_orders.
    int demo_orders_;
    /// The path of the file; empty for no file.
    std::string path_;
    /// The path of the mesh key among systemd's credentials; empty for none.
    std::string credential_;
    /// The file as load() has last read it without an error.
    ConfigFile file_;
};

}  // namespace tulle::node
