#include "node/app/config.hpp"

#include <string_view>
#include <vector>

namespace tulle::node {
namespace {

/// A key, and the comparison of the values that the key sets.
struct Effect {
    std::string_view key;
    bool (*is_same)(const Config& a, const Config& b);
};

template <auto Member>
bool is_same(const Config& a, const Config& b) {
    return a.*Member == b.*Member;
}

/// All keys that a reload does not apply, in the order of the help.
constexpr Effect kEffects[] = {
    {"name", is_same<&Config::name>},
    {"cluster", is_same<&Config::cluster>},
    {"listen", is_same<&Config::listen>},
    {"tls_listen", is_same<&Config::tls_listen>},
    {"tls_proxy_protocol", is_same<&Config::tls_proxy_protocol>},
    {"redis_listen", is_same<&Config::redis_listen>},
    {"redis_store_bytes", is_same<&Config::redis_store_bytes>},
    {"mesh", is_same<&Config::mesh>},
    {"mesh_data", is_same<&Config::mesh_data>},
    {"advertise", is_same<&Config::advertise>},
    {"peers", is_same<&Config::peers>},
    // Other keys hold at once; the beginning and the end of keys do not.
    {"mesh_keys", [](const Config& a, const Config& b) { return a.mesh_keys.empty() == b.mesh_keys.empty(); }},
    {"admin", [](const Config& a, const Config& b) { return a.admin == b.admin && a.admin_socket == b.admin_socket; }},
    // A file of tokens applies at a reload; only that there is none any more waits for a restart.
    {"admin_token_file",
     [](const Config& a, const Config& b) { return a.admin_token_file.empty() || !b.admin_token_file.empty(); }},
    {"admin_hosts", is_same<&Config::admin_hosts>},
    {"ports_file", is_same<&Config::ports_file>},
    {"shards", is_same<&Config::shards>},
    {"hub", is_same<&Config::hub>},
    {"activity_timeout", [](const Config& a, const Config& b) { return a.timeouts.activity == b.timeouts.activity; }},
    {"pong_timeout", [](const Config& a, const Config& b) { return a.timeouts.pong == b.timeouts.pong; }},
    {"http_idle_timeout", is_same<&Config::http_idle_timeout>},
    {"history_bytes", is_same<&Config::history_bytes>},
    {"presence_grace", is_same<&Config::presence_grace>},
    {"write_timeout",
     [](const Config& a, const Config& b) { return a.outbox.write_timeout == b.outbox.write_timeout; }},
    {"outbox_bytes", [](const Config& a, const Config& b) { return a.outbox.max_bytes == b.outbox.max_bytes; }},
    {"flush", is_same<&Config::flush>},
    {"permessage_deflate", is_same<&Config::permessage_deflate>},
    {"max_connections", is_same<&Config::max_connections>},
    {"memory_limit", is_same<&Config::memory_limit>},
    {"max_connections_per_address", is_same<&Config::max_connections_per_address>},
    {"auth_failures_per_minute",
     [](const Config& a, const Config& b) { return a.auth_failures.most == b.auth_failures.most; }},
    {"throttle_private_addresses",
     [](const Config& a, const Config& b) { return a.auth_failures.private_too == b.auth_failures.private_too; }},
    {"trusted_proxies", is_same<&Config::trusted_proxies>},
    {"forwarded_header", is_same<&Config::forwarded_header>},
    {"proxy_protocol", is_same<&Config::proxy_protocol>},
    {"otlp_endpoint", is_same<&Config::otlp_endpoint>},
    {"ready_min_members", is_same<&Config::ready_min_members>},
    {"insecure_mesh", is_same<&Config::insecure_mesh>},
    {"drain_grace", [](const Config& a, const Config& b) { return a.drain.grace == b.drain.grace; }},
    {"drain_duration", [](const Config& a, const Config& b) { return a.drain.duration == b.drain.duration; }},
    {"drain_ready_status", is_same<&Config::drain_ready_status>},
    {"demo", is_same<&Config::demo>},
};

/// True when the key has equal texts in both configurations, or no text in either. A default may differ between the two
/// without a text, because a default can depend on another key; the other key is then reported.
bool is_same_text(std::string_view key, const Config& a, const Config& b) {
    const auto one = a.given.find(key);
    const auto other = b.given.find(key);
    return one == a.given.end() || other == b.given.end() ? one == a.given.end() && other == b.given.end()
                                                          : one->second == other->second;
}

}  // namespace

std::vector<std::string_view> changed_keys(const Config& before, const Config& now) {
    std::vector<std::string_view> changed;
    for (const Effect& effect : kEffects) {
        // A changed text alone is not enough: the new text may say what the default was, or spell the same value
        // otherwise.
        if (!is_same_text(effect.key, before, now) && !effect.is_same(before, now)) {
            changed.push_back(effect.key);
        }
    }
    // Without redis_listen there are no realms, and then redis_listen itself has changed.
    // A change of redis_store_bytes is a change of realms as well, and is named for itself.
    if (before.redis_listen && now.redis_listen && before.redis_store_bytes == now.redis_store_bytes &&
        before.redis_realms != now.redis_realms) {
        changed.emplace_back("[[redis_realms]]");
    }
    return changed;
}

}  // namespace tulle::node
