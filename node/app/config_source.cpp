#include "node/app/config_source.hpp"

#include <iterator>
#include <utility>

#include "node/app/config_admin.hpp"

namespace tulle::node {
ConfigSource::ConfigSource(const CommandLine& line, const std::vector<std::string>& environment, Machine machine)
    : flags_(line.flags),
      environment_(read_environment(environment)),
      machine_(std::move(machine)),
      path_(line.config_file.empty() ? environment_.config_file : line.config_file) {}

Config ConfigSource::load() {
    ConfigFile file;
    if (!path_.empty()) {
        file = load_config_file(path_);
    }
    // `file_` changes only after the whole configuration has proved good.
    Config config = make(file);
    config.admin_tokens = load_admin_tokens(config);
    file_ = std::move(file);
    return config;
}

Config ConfigSource::make(const ConfigFile& file) const {
    const std::vector<Settings> sources = {flags_, environment_.settings, file.settings};
    std::vector<App> apps = file.apps;
    const std::string directory = apps_dir_of(sources);
    if (!directory.empty()) {
        std::vector<App> more = load_apps_dir(directory);
        apps.insert(apps.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    }
    Config config = make_config(sources, with_app_of(environment_, std::move(apps), !directory.empty()), machine_);
    // [webhooks] exists in the file alone.
    config.webhooks = file.webhooks;
    return config;
}

}  // namespace tulle::node
