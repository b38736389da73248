#include "node/app/config_source.hpp"

#include <iterator>
#include <string_view>
#include <utility>

namespace tulle::node {
namespace {

constexpr std::string_view kFileVariable = "TULLE_CONFIG=";

std::string path_of(const CommandLine& line, const std::vector<std::string>& environment) {
    std::string path = line.config_file;
    for (const std::string& variable : environment) {
        if (path.empty() && variable.starts_with(kFileVariable)) {
            path = variable.substr(kFileVariable.size());
        }
    }
    return path;
}

}  // namespace

ConfigSource::ConfigSource(const CommandLine& line, const std::vector<std::string>& environment, Machine machine)
    : flags_(line.flags),
      environment_(settings_from_environment(environment)),
      machine_(std::move(machine)),
      path_(path_of(line, environment)) {}

Config ConfigSource::load() {
    ConfigFile file;
    if (!path_.empty()) {
        file = load_config_file(path_);
    }
    Config config = make(file);
    file_ = std::move(file);
    return config;
}

Config ConfigSource::make(const ConfigFile& file) const {
    const std::vector<Settings> sources = {flags_, environment_, file.settings};
    std::vector<App> apps = file.apps;
    if (const std::string directory = apps_dir_of(sources); !directory.empty()) {
        std::vector<App> more = load_apps_dir(directory);
        apps.insert(apps.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    }
    Config config = make_config(sources, std::move(apps), machine_);
    config.webhooks = file.webhooks;
    return config;
}

}  // namespace tulle::node
