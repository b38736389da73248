#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/time.hpp"
#include "mesh/keys/mesh_key.hpp"
#include "node/admin/admin_tokens.hpp"
#include "node/core/address.hpp"
#include "node/core/address_limits.hpp"
#include "node/core/drain_plan.hpp"
#include "node/core/flush_mode.hpp"
#include "node/core/hub_place.hpp"
#include "node/core/ip_address.hpp"
#include "node/core/limits.hpp"
#include "node/core/outbox.hpp"
#include "node/core/trusted_proxies.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/core/webhooks.hpp"
#include "node/pusher/wire/session.hpp"
#include "node/redis/core/realm.hpp"
#include "node/tls/tls_files.hpp"
#include "node/web/core/limits.hpp"

namespace tulle::node {

/// An error of usage or configuration. The text names the flag, the variable, or file, line and key. The process exits
/// with code 2.
class ConfigError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A realm as a table of the configuration file gives the realm.
struct GivenRealm {
    redis::Realm realm;
    std::optional<std::uint64_t> store_bytes = {};
    /// The file, line and key, for messages.
    std::string origin;
};

/// The complete configuration of a node: checked values, with defaults filled in.
struct Config {
    std::string name;
    std::string cluster = "tulle";
    Address listen{"127.0.0.1", 6001};
    /// The address for clients that encrypt; nothing: there is none.
    std::optional<Address> tls_listen;
    /// Set if and only if tls_listen is.
    TlsFiles tls;
    /// The address for clients of Redis; nothing: there is none.
    std::optional<Address> redis_listen;
    /// Memory for the keys of each realm that has no setting of its own; 0: such realms keep no keys.
    std::uint64_t redis_store_bytes = 0;
    /// Empty if and only if redis_listen is; with redis_listen alone there is the default realm, without a secret.
    std::vector<redis::Realm> redis_realms;
    Address mesh{"127.0.0.1", 7001};
    /// By default the port after the port of `mesh`, or 0 when the port of `mesh` is 0.
    Address mesh_data;
    std::string advertise;
    std::vector<std::string> peers;
    Address admin{"127.0.0.1", 9601};
    /// The path of the Unix socket that the admin listener has instead of `admin`; empty for none.
    std::string admin_socket;
    /// The file that admin_tokens come from; empty for none.
    std::string admin_token_file;
    /// Filled in by ConfigSource::load.
    std::vector<AdminToken> admin_tokens;
    /// Names by which requests may call the admin listener, besides localhost and IP addresses.
    std::vector<std::string> admin_hosts;
    std::string ports_file;
    std::string log_level = "info";
    /// The URL of a collector for spans; empty: nothing is traced.
    std::string otlp_endpoint;
    /// Number of shards. 0 until finish() puts in the number of cores.
    std::size_t shards = 0;
    /// Key files, or texts of keys: the key in use first. Empty: a mesh without keys.
    std::vector<std::string> mesh_keys;
    /// The keys of mesh_keys; read by ConfigSource.
    mesh::KeyRing key_ring;
    bool insecure_mesh = false;
    bool demo = false;
    /// The descriptor for the orders of the demonstration page (demo_orders_to); -1 for none. Of the command line
    /// alone.
    int demo_orders = -1;
    /// True when no app is configured. The node then serves the loopback app with its public credentials.
    bool has_default_app = false;
    pusher::SessionTimeouts timeouts;
    Duration http_idle_timeout = kHttpIdleTimeout;
    /// How long the users of a lost node still count. Every node must have the same value.
    Duration presence_grace = 2s;
    /// Memory for the histories of channels.
    std::size_t history_bytes = 256u << 20;
    OutboxLimits outbox{kMaxOutboxBytes, kWriteTimeout};
    DrainTimes drain;
    /// The status of /ready while the node drains: 503 or 404.
    unsigned drain_ready_status = 503;
    /// Living nodes, this node among them, without which /ready answers 503.
    std::size_t ready_min_members = 1;
    FlushMode flush = FlushMode::kUring;
    HubPlace hub = HubPlace::kAuto;
    bool permessage_deflate = false;
    /// Connections of the public listener. 0 until finish() computes the number from the descriptors.
    std::size_t max_connections = 0;
    /// Bytes; 0 for no limit. By default the memory that the process may use.
    std::uint64_t memory_limit = 0;
    std::size_t max_connections_per_address = kDefaultConnectionsPerAddress;
    AuthThrottle::Options auth_failures{kDefaultAuthFailuresPerMinute, false};
    /// The proxies before this node; empty for none.
    std::vector<AddressRange> trusted_proxies;
    ForwardedHeader forwarded_header = ForwardedHeader::kXForwardedFor;
    /// True when the public listener expects the PROXY protocol of the trusted proxies.
    bool proxy_protocol = false;
    /// The same for tls_listen.
    bool tls_proxy_protocol = false;
    /// The directory of app files; empty for none.
    std::string apps_dir;
    std::vector<App> apps;
    WebhookSettings webhooks;
    /// The text of every setting that was given, by key. A reload compares these texts.
    std::map<std::string, std::string, std::less<>> given;
    /// Where each of these texts comes from: the flag, the variable, or file, line and key.
    std::map<std::string, std::string, std::less<>> origins;
};

/// The facts about the machine on which defaults depend.
struct Machine {
    std::string host_name;
    std::size_t cores = 1;
    /// Descriptors that this process may have.
    std::size_t descriptors = 1'048'576;
    /// Bytes of memory that this process may use; 0 when unknown.
    std::uint64_t memory = 0;
};

/// A setting as a text, with its origin for messages: the flag, the variable, or file, line and key.
struct Setting {
    std::string value;
    std::string origin;
};

/// Settings of a single source, by key in snake_case. Peers are joined by commas.
using Settings = std::map<std::string, Setting, std::less<>>;

/// A key of the configuration: flag, TULLE_* variable and key of the file.
struct Key {
    std::string_view name;
    /// The kind of the value, for the help and for the file. Empty for a switch with the values true and false.
    std::string_view placeholder;
    std::string_view help;
};
/// All keys, in the order of the help.
[[nodiscard]] const std::vector<Key>& keys();

/// `text` in capital letters: "SHARDS" for "shards", as part of TULLE_SHARDS. ASCII alone.
[[nodiscard]] std::string upper_case(std::string_view text);

/// The directory of app files in the strongest source with the key apps_dir; empty for none. `sources`: the strongest
/// first.
[[nodiscard]] std::string apps_dir_of(const std::vector<Settings>& sources);

/// The keys with different effective values in `before` and `now`, in the order of the help. A default that is written
/// out is no change. Left out are the keys that a reload applies: apps_dir, log_level, the files of the certificates
/// (tls_cert_file, tls_key_file, tls_dir), and admin_token_file while there is one. Changed realms come last, as
/// [[redis_realms]], unless redis_listen has come or gone.
[[nodiscard]] std::vector<std::string_view> changed_keys(const Config& before, const Config& now);

/// Makes the configuration from `sources`, the strongest source first, and from the apps and realms of the files.
/// Checks all values, and all rules between values.
/// Errors: throws ConfigError.
[[nodiscard]] Config make_config(const std::vector<Settings>& sources, std::vector<App> apps, const Machine& machine,
                                 std::vector<GivenRealm> realms = {});

}  // namespace tulle::node
