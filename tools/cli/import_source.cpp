#include "tools/cli/import_source.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <sstream>
#include <utility>

#include <toml++/toml.h>
#include <boost/json.hpp>

#include "tools/cli/import_php.hpp"

namespace tulle::cli {
namespace {

namespace json = boost::json;

using Tree = Result<json::object, std::string>;

/// "maxConnections" and "MaxConnections" as "max_connections".
std::string snake_case(std::string_view name) {
    std::string out;
    for (const char c : name) {
        const bool is_capital = c >= 'A' && c <= 'Z';
        if (is_capital && !out.empty() && out.back() != '_' && out.back() != '.') {
            out += '_';
        }
        out += is_capital ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return out;
}

/// Puts `value` at a path of names with dots between the names. An existing value that is no object is replaced.
void put(json::object& root, std::string_view path, json::value value) {
    json::object* object = &root;
    for (std::size_t dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
        json::value& inner = (*object)[path.substr(0, dot)];
        if (!inner.is_object()) {
            inner.emplace_object();
        }
        object = &inner.get_object();
        path.remove_prefix(dot + 1);
    }
    (*object)[path] = std::move(value);
}

// A parser of the files limits the depth of their trees, so that the recursion is bounded.
json::value normal(const json::value& value);

json::object normal_object(const json::object& object) {
    json::object out;
    for (const auto& [key, value] : object) {
        // Headers of webhooks are names of HTTP, and not of the configuration.
        put(out, snake_case(key), key == "headers" ? value : normal(value));
    }
    return out;
}

json::value normal(const json::value& value) {
    if (value.is_object() && !value.get_object().contains(kEnvMember)) {
        return normal_object(value.get_object());
    }
    if (value.is_array()) {
        json::array out;
        for (const json::value& element : value.get_array()) {
            out.push_back(normal(element));
        }
        return out;
    }
    return value;
}

Tree parse_json(std::string_view text) {
    json::error_code error;
    const json::value value = json::parse({text.data(), text.size()}, error);
    if (error || !value.is_object()) {
        return std::string("it is no JSON object") + (error ? ": " + error.message() : "");
    }
    return normal_object(value.get_object());
}

/// A value of TOML as JSON. A date becomes its text.
json::value json_of(const toml::node& node) {
    if (const toml::table* table = node.as_table()) {
        json::object out;
        for (const auto& [key, value] : *table) {
            out[std::string(key.str())] = json_of(value);
        }
        return out;
    }
    if (const toml::array* array = node.as_array()) {
        json::array out;
        for (const toml::node& element : *array) {
            out.push_back(json_of(element));
        }
        return out;
    }
    if (const auto text = node.value_exact<std::string>()) {
        return json::value(*text);
    }
    if (const auto number = node.value_exact<std::int64_t>()) {
        return *number;
    }
    if (const auto number = node.value_exact<double>()) {
        return *number;
    }
    if (const auto flag = node.value_exact<bool>()) {
        return *flag;
    }
    std::ostringstream out;
    node.visit([&out](const auto& value) { out << value; });
    return json::value(out.str());
}

Tree parse_toml_text(std::string_view text) {
    try {
        return normal_object(json_of(toml::parse(text)).get_object());
    } catch (const toml::parse_error& error) {
        return "line " + std::to_string(error.source().begin.line) + ": " + std::string(error.description());
    }
}

/// Where a variable stands in the tree.
struct EnvPath {
    std::string_view name;
    std::string_view path;
};

// The apps of soketi's variables are a list of one, whose members stand under "app" here.
constexpr EnvPath kSoketiPaths[] = {
    {"DEFAULT_APP_ID", "app.id"},
    {"DEFAULT_APP_KEY", "app.key"},
    {"DEFAULT_APP_SECRET", "app.secret"},
    {"DEFAULT_APP_ENABLED", "app.enabled"},
    {"DEFAULT_APP_ENABLE_CLIENT_MESSAGES", "app.enable_client_messages"},
    {"DEFAULT_APP_MAX_CONNS", "app.max_connections"},
    {"DEFAULT_APP_MAX_BACKEND_EVENTS_PER_SEC", "app.max_backend_events_per_second"},
    {"DEFAULT_APP_MAX_CLIENT_EVENTS_PER_SEC", "app.max_client_events_per_second"},
    {"DEFAULT_APP_MAX_READ_REQ_PER_SEC", "app.max_read_requests_per_second"},
    {"DEFAULT_APP_USER_AUTHENTICATION", "app.enable_user_authentication"},
    {"DEFAULT_APP_ENABLE_USER_AUTHENTICATION", "app.enable_user_authentication"},
    {"DEFAULT_APP_WEBHOOKS", "app.webhooks"},
    {"HOST", "host"},
    {"PORT", "port"},
    {"SSL_CERT", "ssl.cert_path"},
    {"SSL_KEY", "ssl.key_path"},
    {"METRICS_SERVER_PORT", "metrics.port"},
    {"CHANNEL_LIMITS_MAX_NAME_LENGTH", "channel_limits.max_name_length"},
    {"CHANNEL_CACHE_TTL", "channel_limits.cache_ttl"},
    {"EVENT_MAX_CHANNELS_AT_ONCE", "event_limits.max_channels_at_once"},
    {"EVENT_MAX_NAME_LENGTH", "event_limits.max_name_length"},
    {"EVENT_MAX_SIZE_IN_KB", "event_limits.max_payload_in_kb"},
    {"EVENT_MAX_BATCH_SIZE", "event_limits.max_batch_size"},
    {"PRESENCE_MAX_MEMBER_SIZE", "presence.max_member_size_in_kb"},
    {"PRESENCE_MAX_MEMBERS", "presence.max_members_per_channel"},
    {"USER_AUTHENTICATION_TIMEOUT", "user_authentication_timeout"},
    {"WEBHOOKS_BATCHING", "webhooks.batching.enabled"},
};

constexpr EnvPath kReverbPaths[] = {
    {"APP_ID", "app.id"},
    {"APP_KEY", "app.key"},
    {"APP_SECRET", "app.secret"},
    {"APP_MAX_CONNECTIONS", "app.max_connections"},
    {"APP_MAX_MESSAGE_SIZE", "app.max_message_size"},
    {"APP_ACTIVITY_TIMEOUT", "app.activity_timeout"},
    {"APP_PING_INTERVAL", "app.ping_interval"},
    {"SERVER_HOST", "host"},
    {"SERVER_PORT", "port"},
};

/// The value behind the "=" of a line, without quotes, and without a comment behind an unquoted value.
std::string env_value(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    if (!text.empty() && (text.front() == '"' || text.front() == '\'')) {
        const std::size_t end = text.find(text.front(), 1);
        return std::string(text.substr(1, end == std::string_view::npos ? end : end - 1));
    }
    text = text.substr(0, text.find(" #"));
    return std::string(text.substr(0, text.find_last_not_of(" \t\r") + 1));
}

/// A value that is nothing but "${NAME}" or "${NAME:-default}": what NAME is in the same file, or else a variable of
/// the environment. Any other value as it is.
json::value resolved(const std::string& value, const std::map<std::string, std::string, std::less<>>& lines) {
    if (!value.starts_with("${") || value.find('}') != value.size() - 1) {
        return json::value(value);
    }
    const std::string inside = value.substr(2, value.size() - 3);
    const std::size_t operation = inside.find(":-");
    const std::string name = inside.substr(0, operation);
    const bool is_name = !name.empty() && name.find_first_not_of(
                                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                              "abcdefghijklmnopqrstuvwxyz_0123456789") == std::string::npos;
    const auto found = lines.find(name);
    if (found != lines.end()) {
        return json::value(found->second);
    }
    if (!is_name) {
        return json::value(value);
    }
    json::object out{{"$env", name}};
    if (operation != std::string::npos) {
        out["default"] = inside.substr(operation + 2);
    }
    return out;
}

/// Takes a variable into the tree. Webhooks are JSON in a text.
void take_variable(std::string_view name, json::value value, std::string_view prefix, json::object& tree) {
    name.remove_prefix(prefix.size());
    std::string path = "environment." + std::string(prefix) + std::string(name);
    const auto look_up = [&](const auto& table) {
        const auto found = std::find_if(std::begin(table), std::end(table),
                                        [name](const EnvPath& candidate) { return candidate.name == name; });
        path = found == std::end(table) ? path : std::string(found->path);
    };
    if (prefix == "SOKETI_") {
        look_up(kSoketiPaths);
    } else {
        look_up(kReverbPaths);
    }
    if (path == "app.webhooks" && value.is_string()) {
        json::error_code error;
        const json::value parsed = json::parse(value.get_string(), error);
        value = error ? std::move(value) : normal(parsed);
    }
    put(tree, path, std::move(value));
}

/// Reads lines of NAME=value, of which the variables with the prefix count.
Tree parse_env(std::string_view text, std::string_view prefix) {
    std::map<std::string, std::string, std::less<>> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
        if (line.starts_with("export ")) {
            line.remove_prefix(7);
        }
        const std::size_t equals = line.find('=');
        if (!line.starts_with("#") && equals != std::string_view::npos) {
            lines[std::string(line.substr(0, equals))] = env_value(line.substr(equals + 1));
        }
    }
    json::object tree;
    for (const auto& [name, value] : lines) {
        if (name.starts_with(prefix)) {
            take_variable(name, resolved(value, lines), prefix, tree);
        }
    }
    if (tree.empty()) {
        return "it has no line " + std::string(prefix) + "NAME=value";
    }
    if (json::value* app = tree.if_contains("app")) {
        json::array apps{std::move(*app)};
        tree.erase("app");
        put(tree, prefix == "SOKETI_" ? "app_manager.array.apps" : "apps.apps", std::move(apps));
    }
    return tree;
}

}  // namespace

Result<json::object, std::string> parse_import(std::string_view text, std::string_view server) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    const std::string_view start = first == std::string_view::npos ? std::string_view() : text.substr(first);
    if (server == "reverb" && start.starts_with("<?php")) {
        auto tree = parse_php_return(text);
        return tree.has_error() ? Tree(tree.error()) : Tree(normal_object(*tree));
    }
    if (server != "reverb" && start.starts_with("{")) {
        return parse_json(text);
    }
    if (server == "sockudo") {
        return parse_toml_text(text);
    }
    return parse_env(text, server == "soketi" ? "SOKETI_" : "REVERB_");
}

}  // namespace tulle::cli
