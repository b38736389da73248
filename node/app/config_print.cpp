#include "node/app/config_print.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <vector>

#include "node/app/config_lists.hpp"

namespace tulle::node {
namespace {

/// `text` as a basic string of TOML.
std::string toml_text(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out.append("\\").append(1, c);
        } else if (c == '$') {
            // A file with this text must not be read as one with a variable.
            out += "$$";
        } else if (byte < 0x20 || byte == 0x7F) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04X", static_cast<unsigned>(byte));
            out += escape;
        } else {
            out += c;
        }
    }
    return out + "\"";
}

std::string toml_text(bool value) {
    return value ? "true" : "false";
}

std::string toml_text(std::uint64_t number) {
    return std::to_string(number);
}

std::string toml_text(Duration duration) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

std::string toml_text(const Address& address) {
    return toml_text(to_string(address));
}

template <class Texts>
std::string toml_list(const Texts& texts) {
    std::string out;
    for (const auto& text : texts) {
        out += (out.empty() ? "" : ", ") + toml_text(std::string_view(text));
    }
    return "[" + out + "]";
}

/// A key with the value that the key has when nobody has given one. The text is empty for a key that then has none.
struct DefaultText {
    std::string_view key;
    std::string (*text)(const Config&);
};

std::string no_default(const Config&) {
    return {};
}

constexpr DefaultText kServingDefaults[] = {
    {"name", [](const Config& c) { return toml_text(c.name); }},
    {"cluster", [](const Config& c) { return toml_text(c.cluster); }},
    {"listen", [](const Config& c) { return toml_text(c.listen); }},
    {"redis_listen", no_default},
    {"redis_store_bytes", [](const Config& c) { return toml_text(c.redis_store_bytes); }},
    {"mesh", [](const Config& c) { return toml_text(c.mesh); }},
    {"mesh_data", [](const Config& c) { return toml_text(c.mesh_data); }},
    {"advertise", no_default},
    {"peers", no_default},
    {"mesh_keys", no_default},
    {"admin", [](const Config& c) { return toml_text(c.admin); }},
    {"admin_token_file", no_default},
    {"admin_hosts", no_default},
    {"ports_file", no_default},
    {"shards", [](const Config& c) { return toml_text(c.shards); }},
    {"hub", [](const Config&) { return toml_text(std::string_view("auto")); }},
    {"activity_timeout", [](const Config& c) { return toml_text(c.timeouts.activity); }},
    {"pong_timeout", [](const Config& c) { return toml_text(c.timeouts.pong); }},
    {"http_idle_timeout", [](const Config& c) { return toml_text(c.http_idle_timeout); }},
    {"history_bytes", [](const Config& c) { return toml_text(c.history_bytes); }},
    {"presence_grace", [](const Config& c) { return toml_text(c.presence_grace); }},
    {"write_timeout", [](const Config& c) { return toml_text(c.outbox.write_timeout); }},
    {"outbox_bytes", [](const Config& c) { return toml_text(c.outbox.max_bytes); }},
    {"flush", [](const Config&) { return toml_text(std::string_view("io_uring")); }},
    {"permessage_deflate", [](const Config& c) { return toml_text(c.permessage_deflate); }},
    {"apps_dir", no_default},
    {"tls_listen", no_default},
    {"tls_cert_file", no_default},
    {"tls_key_file", no_default},
    {"tls_dir", no_default},
    {"tls_proxy_protocol", [](const Config& c) { return toml_text(c.tls_proxy_protocol); }},
    {"max_connections", [](const Config& c) { return toml_text(c.max_connections); }},
    {"memory_limit", [](const Config& c) { return toml_text(c.memory_limit); }},
    {"max_connections_per_address", [](const Config& c) { return toml_text(c.max_connections_per_address); }},
    {"auth_failures_per_minute", [](const Config& c) { return toml_text(c.auth_failures.most); }},
    {"throttle_private_addresses", [](const Config& c) { return toml_text(c.auth_failures.private_too); }},
    {"trusted_proxies", no_default},
    // Without trusted_proxies the key is an error.
    {"forwarded_header",
     [](const Config& c) {
         return c.trusted_proxies.empty() ? std::string() : toml_text(std::string_view("x-forwarded-for"));
     }},
    {"proxy_protocol", [](const Config& c) { return toml_text(c.proxy_protocol); }},
    {"log_level", [](const Config& c) { return toml_text(c.log_level); }},
    {"insecure_mesh", [](const Config& c) { return toml_text(c.insecure_mesh); }},
    {"demo", [](const Config& c) { return toml_text(c.demo); }},
};

/// The value of a key as it was given, in TOML.
std::string given_text(const Key& key, const std::string& value) {
    if (key.placeholder.empty()) {
        return toml_text(value == "true" || value == "1");
    }
    if (key.placeholder == "N" || key.placeholder == "SECONDS" || key.placeholder == "BYTES") {
        return value;
    }
    if (!key.placeholder.ends_with(",...")) {
        return toml_text(std::string_view(value));
    }
    std::vector<std::string> parts;
    for (const std::string_view part : parts_of(value)) {
        // A key itself may stand in the environment.
        parts.emplace_back(part.starts_with("tulle-mesh-") ? "(a key, left out)" : part);
    }
    return toml_list(parts);
}

/// The origin of a setting without the key, which stands before the value.
std::string origin_text(std::string_view origin, std::string_view key) {
    const std::string tail = ": " + std::string(key);
    return std::string(origin.ends_with(tail) ? origin.substr(0, origin.size() - tail.size()) : origin);
}

/// The line of a key.
std::string line_of(const Key& key, const Config& config) {
    const std::string name(key.name);
    const auto given = config.given.find(key.name);
    if (given != config.given.end()) {
        const auto origin = config.origins.find(key.name);
        return name + " = " + given_text(key, given->second) + "  # " + origin_text(origin->second, key.name) + "\n";
    }
    const auto known = std::find_if(std::begin(kServingDefaults), std::end(kServingDefaults),
                                    [&key](const DefaultText& candidate) { return candidate.key == key.name; });
    const std::string value = known == std::end(kServingDefaults) ? "" : known->text(config);
    return value.empty() ? "# " + name + " is not set\n" : name + " = " + value + "  # default\n";
}

std::string app_text(const App& app) {
    std::string out = "\n[[apps]]  # " + (app.origin.empty() ? "the default app" : app.origin) + "\n";
    const auto add = [&out](std::string_view key, const std::string& value) {
        out.append(key).append(" = ").append(value).append("\n");
    };
    add("id", toml_text(app.id));
    add("key", toml_text(app.key));
    out += "# secret is left out\n";
    add("enabled", toml_text(app.enabled));
    add("client_events", toml_text(app.client_events));
    add("client_events_per_second", toml_text(app.client_events_per_second));
    add("max_connections", toml_text(app.max_connections));
    add("max_backend_events_per_second", toml_text(app.max_backend_events_per_second));
    add("max_read_requests_per_second", toml_text(app.max_read_requests_per_second));
    add("max_event_bytes", toml_text(app.max_event_bytes));
    add("max_event_name_length", toml_text(app.max_event_name_length));
    add("max_event_channels_at_once", toml_text(app.max_event_channels_at_once));
    add("max_event_batch_size", toml_text(app.max_event_batch_size));
    add("max_channel_name_length", toml_text(app.max_channel_name_length));
    add("max_presence_members", toml_text(app.max_presence_members));
    add("max_presence_member_bytes", toml_text(app.max_presence_member_bytes));
    add("authorization_timeout", toml_text(app.authorization_timeout));
    if (app.allowed_origins.empty()) {
        out += "# allowed_origins is not set\n";
    } else {
        add("allowed_origins", toml_list(app.allowed_origins));
    }
    add("user_authentication", toml_text(app.user_authentication));
    add("watchlist_events", toml_text(app.watchlist_events));
    add("cache_ttl", toml_text(app.cache_ttl));
    add("subscription_count", toml_text(app.subscription_count));
    add("on_gap", toml_text(std::string_view(app.on_gap == GapPolicy::kClose ? "close" : "event")));
    for (const HistoryRule& rule : app.history) {
        out += "[[apps.history]]\n";
        add("channel_name_starts_with", toml_text(std::string_view(rule.channel_name_starts_with)));
        add("channel_name_ends_with", toml_text(std::string_view(rule.channel_name_ends_with)));
        add("ack", toml_text(std::size_t{rule.ack}));
        if (rule.size > 0) {
            add("size", toml_text(rule.size));
            add("bytes", toml_text(rule.bytes));
            add("ttl", toml_text(rule.ttl));
        }
    }
    if (!app.webhooks.empty()) {
        out += "# webhooks: " + std::to_string(app.webhooks.size()) + ", left out\n";
    }
    return out;
}

std::string realm_text(const redis::Realm& realm) {
    std::string out = "\n[[redis_realms]]\nname = " + toml_text(realm.name) + "\n";
    out += realm.secret.empty() ? "# secret is not set\n" : "# secret is left out\n";
    out += "users = " + toml_list(realm.users) + "\n";
    if (!realm.app.empty()) {
        out += "app = " + toml_text(realm.app) + "\n";
    }
    if (!realm.app_prefix.empty()) {
        out += "app_prefix = " + toml_text(realm.app_prefix) + "\n";
    }
    return out + "store_bytes = " + toml_text(realm.store_bytes) + "\n";
}

}  // namespace

std::string printed_config(const Config& config) {
    std::string out;
    for (const Key& key : keys()) {
        out += line_of(key, config);
    }
    for (const App& app : config.apps) {
        out += app_text(app);
    }
    for (const redis::Realm& realm : config.redis_realms) {
        out += realm_text(realm);
    }
    return out;
}

}  // namespace tulle::node
