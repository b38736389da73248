#include "node/app/config_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <toml++/toml.h>

#include "node/app/app_credentials.hpp"
#include "node/app/config_entry.hpp"
#include "node/app/config_history.hpp"
#include "node/app/config_redis.hpp"
#include "node/app/config_webhooks.hpp"
#include "node/app/meant_key.hpp"
#include "node/web/core/origin_pattern.hpp"

namespace tulle::node {
namespace {

// A day.
constexpr std::size_t kMaxAuthorizationSeconds = 86'400;
// The mesh keeps a retained event no longer.
constexpr std::size_t kMaxCacheSeconds = kMaxCacheTtl / 1s;

/// One string of a list, which may itself be a list with commas.
std::string element_of(const Entry& entry) {
    const std::string text = text_of(entry);
    if (entry.key != "mesh_keys") {
        return text;
    }
    std::string joined;
    for (std::string_view rest = text; !rest.empty();) {
        const std::size_t end = std::min(rest.find(','), rest.size());
        std::string_view part = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        part.remove_prefix(std::min(part.find_first_not_of(" \t"), part.size()));
        // The text of a key has no place in this file, and must reach the check that says so without naming the text.
        const bool is_path = !part.empty() && !part.starts_with("tulle-mesh-");
        joined.append(joined.empty() ? "" : ",").append(is_path ? path_of(entry, part) : std::string(part));
    }
    return joined;
}

/// A string, or an array of strings joined by commas: the form of a list on the command line.
std::string list_of(const Entry& entry) {
    if (!entry.node.is_array()) {
        return element_of(entry);
    }
    std::string joined;
    for (const toml::node& element : *entry.node.as_array()) {
        joined.append(joined.empty() ? "" : ",").append(element_of({element, entry.key, entry.path}));
    }
    return joined;
}

/// The value of a key at the top of the file, in the form of the command line, so that all sources are checked alike.
std::string setting_of(const Key& key, const Entry& entry) {
    if (key.placeholder.empty()) {
        return bool_of(entry) ? "true" : "false";
    }
    if (key.placeholder.ends_with(",...")) {
        return list_of(entry);
    }
    const bool is_number = key.placeholder == "N" || key.placeholder == "SECONDS" || key.placeholder == "BYTES";
    if (is_number) {
        if (const auto number = entry.node.value_exact<std::int64_t>()) {
            return std::to_string(*number);
        }
        entry.reject(key.placeholder == "SECONDS" ? "must be a number of seconds, without quotes and unit"
                                                  : "must be a number");
    }
    if (key.placeholder == "DIR" || key.placeholder == "PEM" || key.name == "admin_token_file") {
        return path_of(entry, text_of(entry));
    }
    return text_of(entry);
}

/// The text of a file, or the reason why the file cannot be read.
struct Contents {
    std::string text;
    std::string error;
};

/// What may stand at a path.
enum class FileForm : bool {
    kRegular,
    /// Also a pipe: a shell gives one to `--config <(…)`.
    kAny,
};

/// Opens a file to read. Returns -1 with the reason in errno. The writer of a named pipe is not waited for unless a
/// pipe may stand there.
int open_file(const std::filesystem::path& path, FileForm form) {
    const int waiting = form == FileForm::kRegular ? O_NONBLOCK : 0;
    const int number = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | waiting);
    struct stat facts {};
    // A directory fails when it is read.
    const bool is_fit = number >= 0 && (form == FileForm::kAny || (::fstat(number, &facts) == 0 &&
                                                                   (S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode))));
    if (number >= 0 && !is_fit) {
        ::close(number);
        errno = EINVAL;
    }
    return is_fit ? number : -1;
}

/// Reads a file. A directory can be opened like a file, and fails only when the directory is read, so both errors are
/// checked.
Contents read_file(const std::filesystem::path& path, FileForm form) {
    const int number = open_file(path, form);
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(number < 0 ? nullptr : ::fdopen(number, "r"),
                                                               std::fclose);
    if (!file) {
        return {{}, errno == EINVAL ? "it is no regular file" : std::strerror(errno)};
    }
    Contents contents;
    char buffer[4096];
    while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, file.get())) {
        contents.text.append(buffer, count);
    }
    if (std::ferror(file.get()) != 0) {
        return {{}, std::strerror(errno)};
    }
    return contents;
}

/// The secret in the file that secret_file names, without line breaks at its end, which editors add.
std::string read_secret(const Entry& entry) {
    const std::filesystem::path path = std::filesystem::path(entry.path).parent_path() / text_of(entry);
    Contents secret = read_file(path, FileForm::kRegular);
    if (!secret.error.empty()) {
        entry.reject(path.string() + " cannot be read: " + secret.error);
    }
    secret.text.erase(secret.text.find_last_not_of("\r\n") + 1);
    return std::move(secret.text);
}

/// The value of on_gap.
GapPolicy gap_policy_of(const Entry& entry) {
    const std::string text = text_of(entry);
    if (text != "event" && text != "close") {
        entry.reject("must be \"event\" or \"close\"");
    }
    return text == "close" ? GapPolicy::kClose : GapPolicy::kEvent;
}

/// The patterns of allowed_origins. An empty list is refused, because its meaning would be a guess.
std::vector<std::string> origins_of(const Entry& entry) {
    if (!entry.node.is_array()) {
        entry.reject("must be an array of strings");
    }
    if (entry.node.as_array()->empty()) {
        entry.reject(
            "an empty list could mean every origin or none: for every one, leave allowed_origins out or write [\"*\"]; "
            "for none,"
            " write [\"https://none.invalid\"]");
    }
    std::vector<std::string> origins;
    for (const toml::node& element : *entry.node.as_array()) {
        const std::string origin = text_of({element, entry.key, entry.path});
        OriginPattern parsed = parse_origin_pattern(origin);
        if (!parsed.error.empty()) {
            entry.reject("'" + origin +
                         "' is no origin of the form https://example.com or https://*.example.com: " + parsed.error);
        }
        origins.push_back(std::move(parsed.pattern));
    }
    return origins;
}

/// A limit of an app with a number as its value. Where 0 is allowed, 0 stands for no limit.
struct AppLimit {
    std::string_view key;
    std::size_t App::*member;
    std::size_t most;
    bool may_be_zero = false;
};

constexpr AppLimit kAppLimits[] = {
    {"apps.max_event_bytes", &App::max_event_bytes, kMaxEventBytes},
    {"apps.max_presence_members", &App::max_presence_members, kMaxPresenceMembers},
    {"apps.max_presence_member_bytes", &App::max_presence_member_bytes, kMaxPresenceMemberBytes},
    {"apps.max_channel_name_length", &App::max_channel_name_length, kMaxChannelNameBytes},
    {"apps.max_event_name_length", &App::max_event_name_length, kMaxEventNameCharacters},
    {"apps.max_event_channels_at_once", &App::max_event_channels_at_once, kMaxPublishChannels},
    {"apps.max_event_batch_size", &App::max_event_batch_size, kMaxBatchEvents},
    {"apps.client_events_per_second", &App::client_events_per_second, kMaxClientEventsPerSecond, true},
    {"apps.max_connections", &App::max_connections, kMaxAppConnections, true},
    {"apps.max_backend_events_per_second", &App::max_backend_events_per_second, kMaxAppRate, true},
    {"apps.max_read_requests_per_second", &App::max_read_requests_per_second, kMaxAppRate, true},
};

/// Reads a limit of an app. False: the key is no limit.
bool take_app_limit(const Entry& entry, App& app) {
    const auto limit = std::find_if(std::begin(kAppLimits), std::end(kAppLimits),
                                    [&entry](const AppLimit& known) { return known.key == entry.key; });
    if (limit != std::end(kAppLimits)) {
        app.*limit->member = limit->may_be_zero ? number_or_zero_of(entry, limit->most) : number_of(entry, limit->most);
    } else if (entry.key == "apps.authorization_timeout") {
        app.authorization_timeout = seconds_or_zero_of(entry, kMaxAuthorizationSeconds, "never");
    } else if (entry.key == "apps.cache_ttl") {
        app.cache_ttl = seconds_or_zero_of(entry, kMaxCacheSeconds, "nothing is kept");
    } else if (entry.key == "apps.allowed_origins") {
        app.allowed_origins = origins_of(entry);
    } else {
        return false;
    }
    return true;
}

/// The keys of an app, without the limits in kAppLimits. For the suggestion after an unknown key.
constexpr std::string_view kAppKeys[] = {"apps.id",
                                         "apps.key",
                                         "apps.secret",
                                         "apps.secret_file",
                                         "apps.enabled",
                                         "apps.client_events",
                                         "apps.user_authentication",
                                         "apps.watchlist_events",
                                         "apps.subscription_count",
                                         "apps.webhooks",
                                         "apps.history",
                                         "apps.on_gap",
                                         "apps.authorization_timeout",
                                         "apps.cache_ttl",
                                         "apps.allowed_origins"};

/// The known key of an app that is like `key`, without "apps."; empty if there is none.
std::string_view meant_app_key(std::string_view key) {
    constexpr std::size_t kTable = std::string_view("apps.").size();
    std::vector<std::string_view> known;
    for (const std::string_view other : kAppKeys) {
        known.push_back(other.substr(kTable));
    }
    for (const AppLimit& limit : kAppLimits) {
        known.push_back(limit.key.substr(kTable));
    }
    return meant_key(key.substr(kTable), known);
}

/// The known key at the top of the file that is like `key`; empty if there is none.
std::string_view meant_top_key(std::string_view key) {
    std::vector<std::string_view> known{"apps", "redis_realms", "webhooks"};
    for (const Key& other : keys()) {
        known.push_back(other.name);
    }
    return meant_key(key, known);
}

/// Reads a key of an app. Throws ConfigError for an unknown key.
void take_app_key(const Entry& entry, App& app) {
    if (entry.key == "apps.id") {
        app.id = text_of(entry);
    } else if (entry.key == "apps.key") {
        app.key = text_of(entry);
    } else if (entry.key == "apps.secret" || entry.key == "apps.secret_file") {
        if (!app.secret.empty()) {
            entry.reject("secret and secret_file exclude each other");
        }
        app.secret = entry.key == "apps.secret" ? text_of(entry) : read_secret(entry);
    } else if (entry.key == "apps.enabled") {
        app.enabled = bool_of(entry);
    } else if (entry.key == "apps.client_events") {
        app.client_events = bool_of(entry);
    } else if (entry.key == "apps.user_authentication") {
        app.user_authentication = bool_of(entry);
    } else if (entry.key == "apps.watchlist_events") {
        app.watchlist_events = bool_of(entry);
    } else if (entry.key == "apps.subscription_count") {
        app.subscription_count = bool_of(entry);
    } else if (entry.key == "apps.webhooks") {
        app.webhooks = webhooks_of(entry);
    } else if (entry.key == "apps.history") {
        app.history = history_rules_of(entry);
    } else if (entry.key == "apps.on_gap") {
        app.on_gap = gap_policy_of(entry);
    } else if (!take_app_limit(entry, app)) {
        entry.reject_key(meant_app_key(entry.key));
    }
}

/// Reads an app from a table and checks its credentials.
App app_of(const toml::node& node, const std::string& path) {
    const Entry table{node, "apps", path};
    if (!node.is_table()) {
        table.reject("must be a table");
    }
    App app;
    app.origin = path + ":" + std::to_string(node.source().begin.line);
    for (const auto& [key, value] : *node.as_table()) {
        take_app_key({value, "apps." + std::string(key.str()), path}, app);
    }
    if (const std::string wrong = wrong_credentials(app); !wrong.empty()) {
        table.reject(wrong);
    }
    return app;
}

/// Reads the array [[apps]].
std::vector<App> apps_of(const Entry& entry) {
    if (!entry.node.is_array()) {
        entry.reject("must be an array of tables: [[apps]]");
    }
    std::vector<App> apps;
    for (const toml::node& element : *entry.node.as_array()) {
        apps.push_back(app_of(element, entry.path));
    }
    return apps;
}

/// Parses a text, and puts the values of variables in. Errors of syntax become ConfigError.
toml::table parse_toml(std::string_view text, const std::string& path, const Variables& variables) {
    try {
        toml::table root = toml::parse(text, path);
        expand_all(root, path, variables);
        return root;
    } catch (const toml::parse_error& error) {
        throw ConfigError(path + ":" + std::to_string(error.source().begin.line) + ": " +
                          std::string(error.description()));
    }
}

/// The text of a file. Throws ConfigError when the file cannot be read, or, with a `limit`, when the file is no regular
/// one or has more bytes.
std::string read_text(const std::string& path, std::optional<std::size_t> limit) {
    Contents contents = read_file(path, limit ? FileForm::kRegular : FileForm::kAny);
    if (!contents.error.empty()) {
        throw ConfigError(path + ": cannot be read: " + contents.error);
    }
    if (limit && contents.text.size() > *limit) {
        throw ConfigError(path + ": has more than " + std::to_string(*limit) + " bytes");
    }
    return std::move(contents.text);
}

}  // namespace

ConfigFile parse_config_file(std::string_view text, const std::string& path, const Variables& variables) {
    ConfigFile file;
    const toml::table root = parse_toml(text, path, variables);
    for (const auto& [name, node] : root) {
        const Entry entry{node, std::string(name.str()), path};
        const auto key =
            std::find_if(keys().begin(), keys().end(), [&](const Key& known) { return known.name == entry.key; });
        if (entry.key == "apps") {
            file.apps = apps_of(entry);
        } else if (entry.key == "redis_realms") {
            file.redis_realms = realms_of(entry);
        } else if (entry.key == "webhooks") {
            file.webhooks = webhook_settings_of(entry);
        } else if (key == keys().end()) {
            entry.reject_key(meant_top_key(entry.key));
        } else {
            file.settings[entry.key] = {setting_of(*key, entry), entry.where()};
        }
    }
    return file;
}

ConfigFile load_config_file(const std::string& path, const Variables& variables) {
    return parse_config_file(read_text(path, std::nullopt), path, variables);
}

bool is_app_file(std::string_view name) {
    return name.ends_with(".toml") && !name.starts_with(".") && !name.starts_with("#");
}

App parse_app_file(std::string_view text, const std::string& path, const Variables& variables) {
    const toml::table root = parse_toml(text, path, variables);
    // [[apps]] in such a file is a common mistake: the user has moved an app out of the main file.
    if (const toml::node* apps = root.get("apps")) {
        const auto has = [apps](std::string_view name) { return apps->is_table() && apps->as_table()->contains(name); };
        const std::string_view mended = has("webhooks")  ? "[[webhooks]], not [[apps.webhooks]]"
                                        : has("history") ? "[[history]], not [[apps.history]]"
                                                         : "its keys at the top, without [[apps]]";
        Entry{*apps, "apps", path}.reject("a file of apps_dir holds one app: write " + std::string(mended));
    }
    return app_of(root, path);
}

std::vector<App> load_apps_dir(const std::string& directory, const Variables& variables) {
    std::error_code error;
    std::vector<std::string> paths;
    for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
         entry.increment(error)) {
        if (is_app_file(entry->path().filename().string())) {
            paths.push_back(entry->path().string());
        }
    }
    if (error) {
        throw ConfigError(directory + ": cannot be read: " + error.message());
    }
    // The order in which a directory lists its files is arbitrary, and the first error should always be the same.
    std::sort(paths.begin(), paths.end());
    std::vector<App> apps;
    for (const std::string& path : paths) {
        apps.push_back(parse_app_file(read_text(path, kMaxAppFileBytes), path, variables));
    }
    return apps;
}

}  // namespace tulle::node
