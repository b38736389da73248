#pragma once

#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/time.hpp"
#include "node/core/address.hpp"
#include "node/core/address_limits.hpp"
#include "node/core/flush_mode.hpp"
#include "node/core/hub_place.hpp"
#include "node/core/limits.hpp"
#include "node/core/outbox.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/core/webhooks.hpp"
#include "node/pusher/wire/session.hpp"
#include "node/web/core/limits.hpp"

namespace tulle::node {

/// A usage or configuration error: its text names the flag, the variable, or file, line and key. Exit code 2.
class ConfigError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct Config {
    std::string name;
    std::string cluster = "tulle";
    Address listen{"127.0.0.1", 6001};
    Address mesh{"127.0.0.1", 7001};
    Address mesh_data;  ///< by default the port after mesh's, or 0 when that is 0
    std::string advertise;
    std::vector<std::string> peers;
    Address admin{"127.0.0.1", 9601};
    /// names that requests to it may call it by, besides its own and IP addresses
    std::vector<std::string> admin_hosts;
    std::string ports_file;
    std::string log_level = "info";
    std::size_t shards = 0;  ///< set by finish()
    bool insecure_mesh = false;
    bool demo = false;
    bool has_default_app = false;  ///< nobody configured one: the public credentials of the loopback app
    pusher::SessionTimeouts timeouts;
    Duration http_idle_timeout = kHttpIdleTimeout;
    Duration presence_grace = 2s;  ///< give every node the same
    OutboxLimits outbox{kMaxOutboxBytes, kWriteTimeout};
    FlushMode flush = FlushMode::kUring;
    HubPlace hub = HubPlace::kAuto;
    bool permessage_deflate = false;
    std::size_t max_connections = 0;  ///< of the public listener; set by finish()
    std::uint64_t memory_limit = 0;   ///< bytes; 0: none. By default what the machine has
    std::size_t max_connections_per_address = kDefaultConnectionsPerAddress;
    AuthThrottle::Options auth_failures{kDefaultAuthFailuresPerMinute, false};
    std::string apps_dir;  ///< empty: none
    std::vector<App> apps;
    WebhookSettings webhooks;
    /// Every setting that is not a default, as a text: what a reload compares.
    std::map<std::string, std::string, std::less<>> given;
};

/// The machine, as far as defaults depend on it.
struct Machine {
    std::string host_name;
    std::size_t cores = 1;
    std::size_t descriptors = 1'048'576;  ///< that this process may have
    std::uint64_t memory = 0;             ///< bytes that this process may use; 0: not known
};

/// One setting as a text, and where it came from, for messages.
struct Setting {
    std::string value;
    std::string origin;
};

/// Key (snake_case) to setting. Peers are joined by commas.
using Settings = std::map<std::string, Setting, std::less<>>;

/// Every key, in the order of the help: its description, and whether it is a switch.
struct Key {
    std::string_view name;
    std::string_view placeholder;  ///< empty: a switch, whose values are true and false
    std::string_view help;
};
[[nodiscard]] const std::vector<Key>& keys();

/// "shards" as "SHARDS", for TULLE_SHARDS.
[[nodiscard]] std::string upper_case(std::string_view text);

/// The directory of app files that the sources name, the strongest first; empty for none.
[[nodiscard]] std::string apps_dir_of(const std::vector<Settings>& sources);

/// The keys, in the order of the help, that one of the two names and the other does not, or names another value of, if
/// what holds is not the same: a default that is written out changes nothing. Of keys that a reload applies, apps_dir
/// and log_level, nothing is said.
[[nodiscard]] std::vector<std::string_view> changed_keys(const Config& before, const Config& now);

/// The configuration from settings, the strongest source first, and the apps of the files. Throws ConfigError.
[[nodiscard]] Config make_config(const std::vector<Settings>& sources, std::vector<App> apps, const Machine& machine);

}  // namespace tulle::node
