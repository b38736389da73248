#include "node/app/config.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <iterator>
#include <utility>

#include "mesh/core/node/numbers.hpp"
#include "mesh/core/node/port.hpp"
#include "node/app/config_admin.hpp"
#include "node/app/config_apps.hpp"
#include "node/app/config_lists.hpp"
#include "node/app/config_redis.hpp"
#include "node/app/config_tls.hpp"
#include "node/core/capacity.hpp"
#include "node/pusher/core/channel_name.hpp"

namespace tulle::node {
namespace {

// Each shard takes a port of the hub; the admin listener and the webhook worker take a port each.
constexpr std::size_t kMaxShardCount = mesh::kMaxShards - 2;
// With redis_listen the first shard takes a second port.
constexpr std::size_t kMaxShardCountWithRedis = kMaxShardCount - 1;
// Every request is compared with each name.
constexpr std::size_t kMaxAdminHosts = 64;
// An hour is far beyond any sensible timeout. A larger number is probably meant in another unit.
constexpr std::uint64_t kMaxTimeoutSeconds = 3600;
// The mesh alone keeps 64 MiB of records.
constexpr std::uint64_t kMinMemoryLimit = 128u << 20;
// 1 PiB, more than any machine has.
constexpr std::uint64_t kMaxMemoryLimit = 1ull << 50;
// The least and the largest value of outbox_bytes. check_outbox() compares the value with the events of each app.
constexpr std::uint64_t kMinOutboxBytes = 64u << 10;
constexpr std::uint64_t kMaxConfiguredOutboxBytes = 1u << 30;
// The history of a channel with the usual limit.
constexpr std::uint64_t kMinHistoryBytes = 1u << 20;

/// Throws ConfigError: the setting is not `expected`.
[[noreturn]] void reject(const Setting& setting, std::string_view expected) {
    throw ConfigError(setting.origin + ": '" + setting.value + "' is not " + std::string(expected));
}

bool to_bool(const Setting& setting) {
    if (setting.value == "true" || setting.value == "1") {
        return true;
    }
    if (setting.value == "false" || setting.value == "0") {
        return false;
    }
    reject(setting, "true or false");
}

/// A number from `low` to `high`; otherwise ConfigError. `more` is added to the message.
std::uint64_t to_number(const Setting& setting, std::uint64_t low, std::uint64_t high, std::string_view more = "") {
    std::uint64_t number = 0;
    const char* end = setting.value.data() + setting.value.size();
    const auto [stop, error] = std::from_chars(setting.value.data(), end, number);
    if (error != std::errc{} || stop != end || number < low || number > high) {
        reject(setting, "a number from " + std::to_string(low) + " to " + std::to_string(high) + std::string(more));
    }
    return number;
}

/// A number of seconds from `low` to kMaxTimeoutSeconds; otherwise ConfigError.
Duration to_seconds(const Setting& setting, std::uint64_t low = 1) {
    std::uint64_t number = 0;
    const char* end = setting.value.data() + setting.value.size();
    const auto [stop, error] = std::from_chars(setting.value.data(), end, number);
    if (error != std::errc{} || stop != end || number < low || number > kMaxTimeoutSeconds) {
        reject(setting, "a number of seconds from " + std::to_string(low) + " to " +
                            std::to_string(kMaxTimeoutSeconds) + ", without a unit");
    }
    return std::chrono::seconds(number);
}

/// 503 or 404; otherwise ConfigError.
unsigned to_drain_ready_status(const Setting& setting) {
    if (setting.value != "503" && setting.value != "404") {
        reject(setting, "503, or 404 for HAProxy's disable-on-404");
    }
    return setting.value == "404" ? 404 : 503;
}

/// An address HOST:PORT; otherwise ConfigError. The host is not resolved here (check_machine).
Address to_address(const Setting& setting) {
    std::optional<Address> address = parse_address(setting.value);
    if (!address) {
        reject(setting, "an address of the form HOST:PORT");
    }
    // "localhost" can resolve to ::1 as well; the address of IPv4 is meant.
    if (address->host == "localhost") {
        address->host = "127.0.0.1";
    }
    return *address;
}

/// A host, without a port and without the brackets of an IPv6 address.
std::string to_advertised(const Setting& setting) {
    const bool is_bare_v6 =
        std::count(setting.value.begin(), setting.value.end(), ':') > 1 && !setting.value.starts_with('[');
    const std::optional<Address> address =
        parse_address((is_bare_v6 ? "[" + setting.value + "]" : setting.value) + ":1");
    if (!address || address->is_wildcard()) {
        reject(setting, "a host that others can reach: a name or an address, without a port");
    }
    return address->host;
}

bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
}

/// The default name of the node, from the name of the host. Characters that a node's name must not have become "-".
std::string name_of_host(const std::string& host) {
    std::string name = host.empty() ? "tulle" : host.substr(0, kMaxNodeNameBytes);
    std::replace_if(
        name.begin(), name.end(), [](char c) { return !is_name_char(c); }, '-');
    return name;
}

std::string to_name(const Setting& setting) {
    if (setting.value.empty() || setting.value.size() > kMaxNodeNameBytes ||
        !std::all_of(setting.value.begin(), setting.value.end(), is_name_char)) {
        reject(setting, "a name: 1 to 64 of the characters A-Z a-z 0-9 - _ .");
    }
    return setting.value;
}

/// An address, a URL, or unix:/PATH.
void take_admin(const Setting& setting, Config& config) {
    config.admin_socket = admin_socket_of(setting);
    if (config.admin_socket.empty()) {
        config.admin = to_address({std::string(without_http(setting.value)), setting.origin});
    }
}

std::size_t to_outbox_bytes(const Setting& setting) {
    return to_number(setting, kMinOutboxBytes, kMaxConfiguredOutboxBytes);
}

std::size_t to_memory_limit(const Setting& setting) {
    return setting.value == "0" ? 0 : to_number(setting, kMinMemoryLimit, kMaxMemoryLimit, " (or 0: no limit)");
}

std::uint64_t to_store_bytes(const Setting& setting) {
    return setting.value == "0" ? 0
                                : to_number(setting, redis::kMinStoreBytes, redis::kMaxStoreBytes, " (or 0: no keys)");
}

/// Names of hosts without ports, separated by commas; otherwise ConfigError.
std::vector<std::string> to_host_names(const Setting& setting) {
    std::vector<std::string> names;
    for (const std::string_view part : parts_of(setting.value)) {
        if (!std::all_of(part.begin(), part.end(), is_name_char)) {
            reject({std::string(part), setting.origin}, "the name of a host, without a port");
        }
        names.emplace_back(part);
    }
    if (names.size() > kMaxAdminHosts) {
        throw ConfigError(setting.origin + ": at most 64 names of hosts");
    }
    return names;
}

FlushMode to_flush_mode(const Setting& setting) {
    const std::optional<FlushMode> mode = flush_mode_of(setting.value);
    if (!mode) {
        reject(setting, "io_uring or send");
    }
    return *mode;
}

ForwardedHeader to_forwarded_header(const Setting& setting) {
    const std::optional<ForwardedHeader> header = forwarded_header_of(setting.value);
    if (!header) {
        reject(setting, "x-forwarded-for or forwarded");
    }
    return *header;
}

HubPlace to_hub_place(const Setting& setting) {
    const std::optional<HubPlace> place = hub_place_of(setting.value);
    if (!place) {
        reject(setting, "auto, thread or shard");
    }
    return *place;
}

std::string to_log_level(const Setting& setting) {
    constexpr std::string_view kLevels[] = {"trace", "debug", "info", "warn", "error", "off"};
    if (std::find(std::begin(kLevels), std::end(kLevels), setting.value) == std::end(kLevels)) {
        reject(setting, "one of trace, debug, info, warn, error, off");
    }
    return setting.value;
}

/// A key, and the function that checks a setting of the key and puts its value into the configuration.
struct KeyAction {
    Key key;
    std::function<void(const Setting&, Config&)> apply;
};

/// The keys about the mesh, the listeners and what clients are told.
std::vector<KeyAction> serving_actions() {
    return {
        {{"name", "NAME", "Name of this node in the mesh (default: the host's name)"},
         [](const Setting& s, Config& c) { c.name = to_name(s); }},
        {{"cluster", "NAME", "Cluster to belong to (default: tulle)"},
         [](const Setting& s, Config& c) { c.cluster = to_name(s); }},
        {{"listen", "HOST:PORT", "Clients: WebSocket and HTTP API (default: 127.0.0.1:6001)"},
         [](const Setting& s, Config& c) { c.listen = to_address(s); }},
        {{"redis_listen", "HOST:PORT", "Clients of Redis: publish and subscribe (default: none)"},
         [](const Setting& s, Config& c) { c.redis_listen = to_address(s); }},
        {{"redis_store_bytes", "BYTES",
          "Memory for the keys of clients of Redis, for each realm (default: 0, no keys)"},
         [](const Setting& s, Config& c) { c.redis_store_bytes = to_store_bytes(s); }},
        {{"mesh", "HOST:PORT", "Other nodes: control (default: 127.0.0.1:7001)"},
         [](const Setting& s, Config& c) { c.mesh = to_address(s); }},
        {{"mesh_data", "HOST:PORT", "Other nodes: data (default: the next port)"},
         [](const Setting& s, Config& c) { c.mesh_data = to_address(s); }},
        {{"advertise", "HOST", "Host under which other nodes and clients reach this one (default: as bound)"},
         [](const Setting& s, Config& c) { c.advertise = to_advertised(s); }},
        {{"peers", "HOST:PORT,...", "Mesh addresses of other nodes to join"},
         [](const Setting& s, Config& c) { c.peers = to_peers(s); }},
        {{"mesh_keys", "FILE,...",
          "Key of the cluster, as tulle keygen writes it; a second one is accepted too (default: none)"},
         [](const Setting& s, Config& c) { c.mesh_keys = to_mesh_keys(s); }},
        {{"admin", "HOST:PORT", "Status, metrics and health; or unix:/PATH (default: 127.0.0.1:9601)"}, take_admin},
        {{"admin_token_file", "FILE", "Tokens of the admin address: lines of NAME SCOPE TOKEN"},
         [](const Setting& s, Config& c) { c.admin_token_file = s.value; }},
        {{"admin_hosts", "HOST,...", "Names of the admin address, besides its own, localhost and IPs"},
         [](const Setting& s, Config& c) { c.admin_hosts = to_host_names(s); }},
        {{"ports_file", "FILE", "Write the bound addresses there, as JSON, once all are bound"},
         [](const Setting& s, Config& c) { c.ports_file = s.value; }},
        {{"shards", "N", "Threads that serve clients (default: one for each core)"},
         [](const Setting& s, Config& c) { c.shards = to_number(s, 1, kMaxShardCount); }},
        {{"hub", "PLACE", "Where the mesh runs: on a thread of its own, on the first shard's, or auto (default: auto)"},
         [](const Setting& s, Config& c) { c.hub = to_hub_place(s); }},
        {{"activity_timeout", "SECONDS",
          "Silence after which clients are told to ping; half as much later they are pinged (default: 30)"},
         [](const Setting& s, Config& c) { c.timeouts.activity = to_seconds(s); }},
        {{"pong_timeout", "SECONDS", "Silence after that ping before the connection is closed (default: 30)"},
         [](const Setting& s, Config& c) { c.timeouts.pong = to_seconds(s); }},
        {{"http_idle_timeout", "SECONDS",
          "Time between two requests before a kept HTTP connection is closed (default: 920)"},
         [](const Setting& s, Config& c) { c.http_idle_timeout = to_seconds(s); }},
        {{"history_bytes", "BYTES", "Memory for the histories of channels (default: 268435456)"},
         [](const Setting& s, Config& c) { c.history_bytes = to_number(s, kMinHistoryBytes, kMaxMemoryLimit); }},
        {{"presence_grace", "SECONDS", "Time for users of a dead node to come back before they have left (default: 2)"},
         [](const Setting& s, Config& c) { c.presence_grace = to_seconds(s, 0); }},
        {{"write_timeout", "SECONDS", "Time for a client to take what waits for it (default: 10)"},
         [](const Setting& s, Config& c) { c.outbox.write_timeout = to_seconds(s); }},
        {{"outbox_bytes", "BYTES", "What may wait for one client (default: 1048576)"},
         [](const Setting& s, Config& c) { c.outbox.max_bytes = to_outbox_bytes(s); }},
        {{"flush", "MODE", "How clients are written to: io_uring (where permitted) or send (default: io_uring)"},
         [](const Setting& s, Config& c) { c.flush = to_flush_mode(s); }},
        {{"permessage_deflate", "", "Compress messages for clients that ask for it: costs CPU, and memory per client"},
         [](const Setting& s, Config& c) { c.permessage_deflate = to_bool(s); }},
        {{"apps_dir", "DIR", "Apps, one in each *.toml file there; changes hold at once"},
         [](const Setting& s, Config& c) { c.apps_dir = s.value; }},
    };
}

/// The keys about clients that encrypt.
std::vector<KeyAction> tls_actions() {
    return {
        {{"tls_listen", "HOST:PORT", "Clients that encrypt: wss:// and https:// (default: none)"},
         [](const Setting& s, Config& c) { c.tls_listen = to_address(s); }},
        {{"tls_cert_file", "PEM", "Certificate for tls_listen, those of its issuers behind; a change holds at once"},
         [](const Setting& s, Config& c) { c.tls.certificate = s.value; }},
        {{"tls_key_file", "PEM", "Key of that certificate, which only its owner and group may read"},
         [](const Setting& s, Config& c) { c.tls.key = s.value; }},
        {{"tls_dir", "DIR", "More certificates (NAME.crt, NAME.key), chosen by the server name that a client asks for"},
         [](const Setting& s, Config& c) { c.tls.directory = s.value; }},
        {{"tls_proxy_protocol", "", "Connections to tls_listen come from trusted_proxies, with a PROXY header"},
         [](const Setting& s, Config& c) { c.tls_proxy_protocol = to_bool(s); }},
    };
}

/// The keys about limits, and about whose addresses are limited.
std::vector<KeyAction> limit_actions() {
    return {
        {{"max_connections", "N", "Open connections of clients and backends (default: what the descriptors allow)"},
         [](const Setting& s, Config& c) { c.max_connections = to_number(s, kMinConnections, kMaxConnections); }},
        {{"memory_limit", "BYTES",
          "Memory from 80 % of which clients are refused (default: the machine's; 0: no limit)"},
         [](const Setting& s, Config& c) { c.memory_limit = to_memory_limit(s); }},
        {{"max_connections_per_address", "N",
          "Open connections of one client address (default: 0, no limit; 1000 with trusted_proxies)"},
         [](const Setting& s, Config& c) {
             c.max_connections_per_address = to_number(s, 0, kMaxConnectionsPerAddress);
         }},
        {{"auth_failures_per_minute", "N",
          "Wrong signatures of one public address before 429 (default: 10; 0: no limit)"},
         [](const Setting& s, Config& c) { c.auth_failures.most = to_number(s, 0, kMaxAuthFailuresPerMinute); }},
        {{"throttle_private_addresses", "", "Count wrong signatures of loopback and private addresses too"},
         [](const Setting& s, Config& c) { c.auth_failures.private_too = to_bool(s); }},
        {{"trusted_proxies", "CIDR,...", "Proxies before this node, whose word about a client's address is taken"},
         [](const Setting& s, Config& c) { c.trusted_proxies = to_trusted_proxies(s); }},
        {{"forwarded_header", "HEADER",
          "The header that those proxies write: x-forwarded-for or forwarded (default: x-forwarded-for)"},
         [](const Setting& s, Config& c) { c.forwarded_header = to_forwarded_header(s); }},
        {{"proxy_protocol", "", "Clients' connections come from those proxies, with a header of the PROXY protocol"},
         [](const Setting& s, Config& c) { c.proxy_protocol = to_bool(s); }},
    };
}

/// The keys about the process as a whole.
std::vector<KeyAction> process_actions() {
    return {
        {{"log_level", "LEVEL", "trace, debug, info, warn, error or off (default: info)"},
         [](const Setting& s, Config& c) { c.log_level = to_log_level(s); }},
        {{"otlp_endpoint", "URL", "Collector for the spans of traced messages, by OTLP over HTTP (default: none)"},
         [](const Setting& s, Config& c) { c.otlp_endpoint = to_otlp_endpoint(s); }},
        {{"ready_min_members", "N", "Living nodes, this one too, without which /ready answers 503 (default: 1)"},
         [](const Setting& s, Config& c) { c.ready_min_members = to_number(s, 1, mesh::kMaxMembers); }},
        {{"insecure_mesh", "", "Allow mesh addresses off loopback although nothing protects them"},
         [](const Setting& s, Config& c) { c.insecure_mesh = to_bool(s); }},
        {{"drain_grace", "SECONDS", "Time for load balancers to see that the node stops taking clients (default: 10)"},
         [](const Setting& s, Config& c) { c.drain.grace = to_seconds(s, 0); }},
        {{"drain_duration", "SECONDS", "Time over which a node that stops closes its clients (default: 30)"},
         [](const Setting& s, Config& c) { c.drain.duration = to_seconds(s, 0); }},
        {{"drain_ready_status", "STATUS", "What /ready answers while the node drains: 503 or 404 (default: 503)"},
         [](const Setting& s, Config& c) { c.drain_ready_status = to_drain_ready_status(s); }},
        {{"demo", "", "Serve the demonstration page on the public address"},
         [](const Setting& s, Config& c) { c.demo = to_bool(s); }},
    };
}

/// All keys. The single table for flags, variables, file and help.
const std::vector<KeyAction>& actions() {
    static const std::vector<KeyAction> table = [] {
        std::vector<KeyAction> all = serving_actions();
        for (std::vector<KeyAction> part : {tls_actions(), limit_actions(), process_actions()}) {
            std::move(part.begin(), part.end(), std::back_inserter(all));
        }
        return all;
    }();
    return table;
}

/// Throws ConfigError for an address off loopback that nothing protects. `remedy`: what would protect the address.
void require_loopback(const Address& address, std::string_view what, std::string_view remedy) {
    if (!address.is_loopback()) {
        throw ConfigError("the " + std::string(what) + " address " + to_string(address) +
                          " is not on loopback, and nothing protects it: " + std::string(remedy) +
                          ", or allow it with --insecure-mesh on a network that encrypts");
    }
}

/// Throws ConfigError for addresses that could be bound but not used, or that exclude each other.
void check_addresses(const Config& config) {
    for (const Address* address : {&config.mesh, &config.mesh_data}) {
        if (address->is_wildcard() && config.advertise.empty()) {
            throw ConfigError("the mesh address " + to_string(*address) +
                              " stands for every address of this machine: say with"
                              " advertise (--advertise HOST) which one the other nodes are to use");
        }
    }
    std::vector<std::pair<std::string_view, const Address*>> all{
        {"listen", &config.listen}, {"mesh", &config.mesh}, {"mesh_data", &config.mesh_data}};
    if (config.tls_listen) {
        all.emplace_back("tls_listen", &*config.tls_listen);
    }
    if (config.redis_listen) {
        all.emplace_back("redis_listen", &*config.redis_listen);
    }
    if (config.admin_socket.empty()) {
        all.emplace_back("admin", &config.admin);
    }
    for (auto one = all.begin(); one != all.end(); ++one) {
        for (auto other = one + 1; other != all.end(); ++other) {
            const Address& a = *one->second;
            const Address& b = *other->second;
            if (a.port != 0 && a.port == b.port && (a.host == b.host || a.is_wildcard() || b.is_wildcard())) {
                throw ConfigError(std::string(one->first) + " (" + to_string(a) + ") and " + std::string(other->first) +
                                  " (" + to_string(b) + ") have the same port: each needs its own");
            }
        }
    }
}

/// Fills in the number of shards, and checks the number against the ports of the hub.
void finish_shards(Config& config, const Machine& machine, const Settings& merged) {
    const std::size_t most = config.redis_listen ? kMaxShardCountWithRedis : kMaxShardCount;
    if (config.shards == 0) {
        config.shards = std::clamp<std::size_t>(machine.cores, 1, most);
    } else if (config.shards > most) {
        throw ConfigError(merged.at("shards").origin + ": " + std::to_string(config.shards) +
                          " shards are too many with redis_listen, which takes one of the hub's " +
                          std::to_string(mesh::kMaxShards) + " ports: allow " + std::to_string(most) +
                          ", or leave redis_listen out");
    }
}

/// Fills in the limits that the machine sets, unless the configuration has lower limits.
void finish_limits(Config& config, const Machine& machine, const Settings& merged) {
    const std::size_t most = max_connections_of(machine.descriptors, config.shards);
    if (config.max_connections == 0) {
        config.max_connections = most;
    } else if (config.max_connections > most) {
        throw ConfigError(
            merged.at("max_connections").origin + ": " + std::to_string(config.max_connections) + " connections need " +
            std::to_string(config.max_connections + reserved_descriptors(machine.descriptors, config.shards)) +
            " descriptors, and this process may have " + std::to_string(machine.descriptors) +
            ": raise its limit (ulimit -n, LimitNOFILE=), or allow " + std::to_string(most) + " connections");
    }
    if (!merged.contains("memory_limit")) {
        config.memory_limit = machine.memory;
    }
}

/// Fills in the defaults that depend on the machine or on other settings, and checks the rules between settings.
void finish(Config& config, const Machine& machine, const Settings& merged) {
    if (config.name.empty()) {
        config.name = name_of_host(machine.host_name);
    }
    finish_shards(config, machine, merged);
    finish_limits(config, machine, merged);
    finish_proxies(config, merged);
    if (!merged.contains("mesh_data")) {
        const bool is_last = config.mesh.port == 65535;
        if (is_last) {
            throw ConfigError("mesh_data: there is no port after 65535; name one");
        }
        config.mesh_data = {config.mesh.host, config.mesh.port == 0 ? std::uint16_t{0}
                                                                    : static_cast<std::uint16_t>(config.mesh.port + 1)};
    }
    if (!config.insecure_mesh) {
        if (config.mesh_keys.empty()) {
            constexpr std::string_view kRemedy = "make a key by \"tulle keygen\" and name it in mesh_keys";
            require_loopback(config.mesh, "mesh", kRemedy);
            require_loopback(config.mesh_data, "mesh data", kRemedy);
        }
    }
    check_admin_access(config);
    check_addresses(config);
    check_tls(config);
    // Without any app a newcomer's first client must work, but a public secret may serve loopback alone.
    if (config.apps.empty() && config.apps_dir.empty()) {
        const bool is_tls_out = config.tls_listen && !config.tls_listen->is_loopback();
        if (!config.listen.is_loopback() || is_tls_out) {
            throw ConfigError(
                "no app is configured: the default app, whose secret is public, is served on loopback only,"
                " and " +
                to_string(is_tls_out ? *config.tls_listen : config.listen) +
                " is not; write [[apps]] into the --config file, or set"
                " TULLE_APP_ID, TULLE_APP_KEY and TULLE_APP_SECRET");
        }
        config.has_default_app = true;
        App app;
        app.id = "app-id";
        app.key = "app-key";
        app.secret = "app-secret";
        app.client_events = true;
        config.apps.push_back(std::move(app));
    }
    check_outbox(config);
    check_presence(config);
}

}  // namespace

const std::vector<Key>& keys() {
    static const std::vector<Key> list = [] {
        std::vector<Key> names;
        for (const KeyAction& action : actions()) {
            names.push_back(action.key);
        }
        return names;
    }();
    return list;
}

Config make_config(const std::vector<Settings>& sources, std::vector<App> apps, const Machine& machine,
                   std::vector<GivenRealm> realms) {
    Settings merged;
    for (const Settings& source : sources) {
        // insert() keeps existing keys, so the strongest source, which comes first, wins.
        merged.insert(source.begin(), source.end());
    }
    Config config;
    config.apps = std::move(apps);
    check_apps(config.apps);
    for (const KeyAction& action : actions()) {
        if (const auto setting = merged.find(action.key.name); setting != merged.end()) {
            action.apply(setting->second, config);
            config.given.emplace(action.key.name, setting->second.value);
            config.origins.emplace(action.key.name, setting->second.origin);
        }
    }
    finish(config, machine, merged);
    finish_redis(config, std::move(realms), merged);
    return config;
}

}  // namespace tulle::node
