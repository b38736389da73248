#include "node/app/config_source.hpp"

#include <unistd.h>

#include <iterator>
#include <string_view>
#include <utility>

#include "mesh/keys/key_file.hpp"
#include "node/app/config_admin.hpp"

namespace tulle::node {
namespace {

/// The mesh key among systemd's credentials of this service (LoadCredential=mesh.key:…), or empty.
std::string credential_of(const std::vector<std::string>& environment) {
    constexpr std::string_view kDirectory = "CREDENTIALS_DIRECTORY=";
    for (const std::string& variable : environment) {
        if (variable.starts_with(kDirectory)) {
            std::string path = variable.substr(kDirectory.size()) + "/mesh.key";
            return ::access(path.c_str(), F_OK) == 0 ? path : "";
        }
    }
    return {};
}

}  // namespace

ConfigSource::ConfigSource(const CommandLine& line, const std::vector<std::string>& environment, Machine machine)
    : flags_(line.flags),
      variables_(variables_of(environment)),
      environment_(read_environment(environment)),
      machine_(std::move(machine)),
      demo_orders_(line.demo_orders),
      path_(line.config_file.empty() ? environment_.config_file : line.config_file),
      credential_(credential_of(environment)) {}

Config ConfigSource::load() {
    // `file_` changes only after the whole configuration has proved good.
    Reading reading = read();
    file_ = std::move(reading.file);
    return std::move(reading.config);
}

bool ConfigSource::is_good_on_disk() const {
    try {
        [[maybe_unused]] const Reading reading = read();
        return true;
    } catch (const ConfigError&) {
        return false;
    }
}

ConfigSource::Reading ConfigSource::read() const {
    Reading reading;
    if (!path_.empty()) {
        reading.file = load_config_file(path_, variables_);
    }
    reading.config = make(reading.file);
    reading.config.admin_tokens = load_admin_tokens(reading.config);
    return reading;
}

Config ConfigSource::make(const ConfigFile& file) const {
    std::vector<Settings> sources = {flags_, environment_.settings, file.settings};
    if (!credential_.empty()) {
        // The weakest source: whoever names keys means those.
        sources.push_back({{"mesh_keys", {credential_, "credential mesh.key"}}});
    }
    std::vector<App> apps = file.apps;
    const std::string directory = apps_dir_of(sources);
    if (!directory.empty()) {
        std::vector<App> more = load_apps_dir(directory, variables_);
        apps.insert(apps.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    }
    Config config = make_config(sources, with_app_of(environment_, std::move(apps), !directory.empty()), machine_,
                                file.redis_realms);
    // [webhooks] exists in the file alone.
    config.webhooks = file.webhooks;
    config.demo_orders = demo_orders_;
    try {
        config.key_ring = mesh::read_key_ring(config.mesh_keys);
    } catch (const mesh::KeyFileError& error) {
        throw ConfigError(error.what());
    }
    return config;
}

std::string apps_dir_of(const std::vector<Settings>& sources) {
    for (const Settings& source : sources) {
        if (const auto setting = source.find("apps_dir"); setting != source.end()) {
            return setting->second.value;
        }
    }
    return {};
}

}  // namespace tulle::node
