#include "tools/cli/import_config.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "tools/cli/import_source.hpp"
#include "tools/cli/import_values.hpp"

namespace tulle::cli {
namespace {

namespace json = boost::json;

/// What stands in the place of a group of settings at Tulle.
struct Hint {
    std::string_view group;
    std::string_view text;
};

constexpr Hint kHints[] = {
    {"adapter", "the nodes form a mesh without a broker: name other nodes in peers, and a key in mesh_keys"},
    {"app_manager", "apps stand in this file, or each in a file of apps_dir"},
    {"cache", "a node keeps last events in its own memory"},
    {"cors", "allowed_origins of an app says whose pages may connect"},
    {"database", "a node needs no database"},
    {"database_pooling", "a node needs no database"},
    {"http_api", "the size of requests follows from max_event_bytes"},
    {"metrics", "the admin listener serves /metrics; off loopback it wants admin_token_file"},
    {"queue", "webhooks need no queue outside the nodes"},
    {"rate_limiter", "limits are keys of the apps, max_connections_per_address and auth_failures_per_minute"},
    {"path_prefix", "a proxy in front may add one"},
    {"shutdown_grace_period", "a node leaves in order at SIGTERM"},
    {"webhooks", "see [webhooks] in the documentation"},
};

/// A text, a number, or the default of a variable, without quotes; `fallback` for anything else.
std::string plain_text(const std::optional<json::value>& value, const std::string& fallback) {
    const json::object* variable = value ? value->if_object() : nullptr;
    const json::value* given = variable == nullptr ? (value ? &*value : nullptr) : variable->if_contains("default");
    if (given != nullptr && given->is_string()) {
        return std::string(given->get_string().data(), given->get_string().size());
    }
    return given != nullptr && given->is_number() ? json::serialize(*given) : fallback;
}

/// Builds the text of the file.
class ConfigWriter {
public:
    ConfigWriter(json::object tree, std::string_view server) : tree_(std::move(tree)), server_(server) {}

    Result<std::string, ImportError> write() {
        std::optional<json::value> apps =
            take_value(tree_, server_ == "reverb" ? "apps.apps" : "app_manager.array.apps");
        if (!apps || !apps->is_array() || apps->get_array().empty()) {
            return ImportError{0, no_apps()};
        }
        take_defaults();
        std::string app_texts;
        std::size_t outbox = kUsualOutbox;
        std::size_t count = 0;
        for (json::value& app : apps->get_array()) {
            ++count;
            if (!app.is_object()) {
                return ImportError{0, "the list of apps holds something that is no app"};
            }
            take_intervals(app.get_object());
            auto text = import_app(std::move(app.get_object()), defaults_, server_, outbox);
            if (text.has_error()) {
                return ImportError{count, text.error().text};
            }
            app_texts += *text;
        }
        write_node();
        if (outbox > kUsualOutbox) {
            add("outbox_bytes", std::to_string(std::min<std::size_t>(outbox, std::size_t{1} << 30)));
        }
        write_rest();
        const bool has_hooks = app_texts.find("[[apps.webhooks]]") != std::string::npos;
        return "# Made by tulle import " + std::string(server_) + ". Check by: tulled --config FILE --check-config\n" +
               text_ + app_texts +
               (has_hooks ? "\n[webhooks]\n# Private addresses are called only where they are allowed:\n"
                            "# allow_private_addresses = [\"10.0.0.0/8\"]\n"
                          : "");
    }

private:
    /// The default of outbox_bytes.
    static constexpr std::size_t kUsualOutbox = std::size_t{1} << 20;

    void add(const std::string& key, const std::string& value) { text_ += key + " = " + value + "\n"; }
    void comment(const std::string& sentence) { text_ += "# " + sentence + "\n"; }

    /// Why there are no apps.
    std::string no_apps() {
        const std::string driver =
            plain_text(take_value(tree_, server_ == "reverb" ? "apps.provider" : "app_manager.driver"), "array");
        const bool is_here = driver == "array" || driver == "memory" || driver == "config";
        return is_here ? "no apps are configured there"
                       : "the apps are not in this file but in " + driver + ": write each into a table [[apps]]";
    }

    /// Moves a limit for all apps to the defaults of apps.
    void take_default(std::string_view path, std::string_view member) {
        if (std::optional<json::value> value = take_value(tree_, path)) {
            defaults_.app[std::string(member)] = std::move(*value);
        }
    }

    void take_defaults() {
        take_default("channel_limits.max_name_length", "max_channel_name_length");
        take_default("channel_limits.cache_ttl", "cache_ttl");
        take_default("event_limits.max_channels_at_once", "max_event_channels_at_once");
        take_default("event_limits.max_name_length", "max_event_name_length");
        take_default("event_limits.max_payload_in_kb", "max_event_payload_in_kb");
        take_default("event_limits.max_batch_size", "max_event_batch_size");
        take_default("presence.max_members_per_channel", "max_presence_members_per_channel");
        take_default("presence.max_member_size_in_kb", "max_presence_member_size_in_kb");
        const std::optional<json::value> timeout = take_value(tree_, "user_authentication_timeout");
        const std::optional<double> number = timeout ? import_number(*timeout) : std::nullopt;
        // soketi counts in milliseconds, Sockudo in seconds. Both have a default.
        const double usual = server_ == "soketi" ? 30'000 : 3'600;
        defaults_.authentication_seconds = number.value_or(usual) / (server_ == "soketi" ? 1'000 : 1);
        const std::optional<json::value> batches = take_value(tree_, "webhooks.batching.enabled");
        defaults_.webhooks_in_batches = batches && import_flag(*batches).value_or(false);
    }

    /// Takes what Reverb says of each app and Tulle of the node.
    void take_intervals(json::object& app) {
        const std::optional<json::value> ping = take_value(app, "ping_interval");
        const std::optional<json::value> activity = take_value(app, "activity_timeout");
        if ((ping || activity) && !activity_) {
            activity_ = activity ? import_number(*activity) : import_number(*ping);
        }
    }

    void write_node() {
        const bool is_reverb = server_ == "reverb";
        const std::string at = is_reverb && tree_.contains("servers") ? "servers.reverb." : "";
        const std::string host = plain_text(take_value(tree_, at + "host"), "0.0.0.0");
        const std::string port = plain_text(take_value(tree_, at + "port"), is_reverb ? "8080" : "6001");
        const bool is_bare_v6 = host.find(':') != std::string::npos && !host.starts_with('[');
        const std::string listen = (is_bare_v6 ? "[" + host + "]" : host) + ":" + port;
        add("listen", import_quoted(listen));
        write_tls(listen);
        if (const std::optional<json::value> value = take_value(tree_, "activity_timeout")) {
            activity_ = import_number(*value);
        }
        if (activity_ && *activity_ >= 1) {
            add("activity_timeout", std::to_string(static_cast<std::int64_t>(std::min(*activity_, 3'600.0))));
        }
        const std::string metrics = plain_text(take_value(tree_, "metrics.port"), "9601");
        if (metrics != "9601") {
            add("admin", import_quoted("127.0.0.1:" + metrics));
        }
        const std::optional<json::value> debug = take_value(tree_, "debug");
        if (debug && import_flag(*debug).value_or(false)) {
            add("log_level", "\"debug\"");
        }
    }

    /// Writes the files of a certificate as comments, because tulled refuses to start without the files.
    void write_tls(const std::string& listen) {
        const std::optional<json::value> enabled = take_value(tree_, "ssl.enabled");
        const std::optional<json::value> certificate = take_value(tree_, "ssl.cert_path");
        const std::optional<json::value> key = take_value(tree_, "ssl.key_path");
        const bool is_off = enabled && !import_flag(*enabled).value_or(true);
        const std::optional<std::string> file = certificate && !is_off ? import_text(*certificate) : std::nullopt;
        if (!file) {
            return;
        }
        comment("TLS: give listen another port, and take the # away once the node may read the files.");
        comment("tls_listen = " + import_quoted(listen));
        comment("tls_cert_file = " + *file);
        comment("tls_key_file = " + (key ? import_text(*key).value_or("\"\"") : "\"\""));
    }

    /// Writes a comment for each group of settings that is left. Values are left out, as passwords are among them.
    void write_rest() {
        std::vector<std::string> paths = paths_of(tree_);
        std::sort(paths.begin(), paths.end());
        for (std::size_t i = 0; i < paths.size();) {
            const std::string group = paths[i].substr(0, paths[i].find('.'));
            std::string names;
            for (; i < paths.size() && paths[i].substr(0, paths[i].find('.')) == group; ++i) {
                const std::string inner = paths[i].size() > group.size() ? paths[i].substr(group.size() + 1) : "";
                names += inner.empty() ? "" : (names.empty() ? " (" : ", ") + inner;
            }
            const auto hint = std::find_if(std::begin(kHints), std::end(kHints),
                                           [&group](const Hint& candidate) { return candidate.group == group; });
            comment(group + names + (names.empty() ? "" : ")") + ": " +
                    (hint == std::end(kHints) ? "no counterpart" : "no counterpart; " + std::string(hint->text)));
        }
    }

    json::object tree_;
    std::string_view server_;
    ImportDefaults defaults_;
    std::optional<double> activity_;
    std::string text_;
};

}  // namespace

Result<std::string, ImportError> import_config(json::object tree, std::string_view server) {
    return ConfigWriter(std::move(tree), server).write();
}

}  // namespace tulle::cli
