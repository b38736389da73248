#include "node/app/command_line.hpp"

#include <algorithm>
#include <deque>
#include <sstream>
#include <utility>

#include <CLI/CLI.hpp>

namespace tulle::node {
namespace {

/// The flag for a key: "--mesh-data" for "mesh_data".
std::string flag_of(std::string_view key) {
    std::string flag = "--" + std::string(key);
    std::replace(flag.begin(), flag.end(), '_', '-');
    return flag;
}

/// The text that the library would print for --help or --version.
std::string printed(const CLI::App& app, const CLI::ParseError& request) {
    std::ostringstream out;
    std::ostringstream ignored;
    app.exit(request, out, ignored);
    return out.str();
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
    CommandLine result;
    CLI::App app(
        "tulled: a node of a Tulle mesh. Every flag may also be a TULLE_* variable or a key of the --config file.");
    app.set_version_flag("--version", std::string("tulled ") + TULLE_VERSION);
    app.add_option("--config", result.config_file, "Configuration in TOML")->type_name("FILE");
    app.add_flag("--check-config", result.check_config, "Check flags, environment and file, and exit");
    app.add_flag("--print-config", result.print_config,
                 "Check, and print the effective configuration with the origin of each value, without secrets");
    // Not for people, so not in the help: an agreement between `tulle up --demo` and its nodes.
    app.add_option("--demo-orders", result.demo_orders)->group("");
    // The library keeps references to the values, and a deque never moves its elements.
    std::deque<std::pair<std::string, std::string>> values;
    std::deque<std::pair<std::string, bool>> switches;
    for (const Key& key : keys()) {
        const std::string flag = flag_of(key.name);
        if (key.placeholder.empty()) {
            switches.emplace_back(key.name, false);
            app.add_flag(flag, switches.back().second, std::string(key.help));
        } else {
            values.emplace_back(key.name, "");
            app.add_option(flag, values.back().second, std::string(key.help))->type_name(std::string(key.placeholder));
        }
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        // The library throws for --help and --version too, with the exit code 0.
        if (error.get_exit_code() == 0) {
            result.print = printed(app, error);
            return result;
        }
        throw ConfigError(std::string(error.what()) + " (see --help)");
    }
    for (const auto& [key, value] : values) {
        // Only flags that were given count: a default here would hide the environment and the file.
        if (app.count(flag_of(key)) > 0) {
            result.flags[key] = {value, "flag " + flag_of(key)};
        }
    }
    for (const auto& [key, is_set] : switches) {
        if (is_set) {
            result.flags[key] = {"true", "flag " + flag_of(key)};
        }
    }
    return result;
}

}  // namespace tulle::node
