#include "node/app/config_redis.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "mesh/keys/secret_file.hpp"
#include "node/app/config_entry.hpp"
#include "node/app/meant_key.hpp"
#include "node/pusher/core/channel_name.hpp"

namespace tulle::node {
namespace {

// The longest secret and the end of its line, with room for blank lines that would otherwise be called too many bytes.
constexpr std::size_t kMaxRealmSecretFileBytes = 4u << 10;

/// The keys of a realm, for the suggestion after an unknown key.
constexpr std::string_view kRealmKeys[] = {"name", "secret",     "secret_file", "users",
                                           "app",  "app_prefix", "store_bytes"};

/// What would protect a realm.
constexpr std::string_view kRealmRemedy = "secret_file or secret in [[redis_realms]] of the --config file";

/// True for 1 to `most` visible characters of ASCII.
bool is_visible_text(std::string_view text, std::size_t most) {
    return !text.empty() && text.size() <= most &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_realm_name(std::string_view name) {
    return !name.empty() && name.size() <= redis::kMaxRealmNameBytes &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                      c == '_' || c == '.';
           });
}

/// The secret of a realm from secret, or from the file that secret_file names, without line breaks at the file's end,
/// which editors add.
std::string realm_secret_of(const Entry& entry, bool is_file) {
    std::string secret = text_of(entry);
    if (is_file) {
        const std::string path = path_of(entry, secret);
        mesh::FileText file = mesh::read_secret_file(path, kMaxRealmSecretFileBytes);
        if (!file.error.empty()) {
            entry.reject(path + " " + file.error);
        }
        secret = std::move(file.text);
        secret.erase(secret.find_last_not_of("\r\n") + 1);
    }
    if (secret.size() < redis::kMinRealmSecretBytes || !is_visible_text(secret, redis::kMaxRealmSecretBytes)) {
        entry.reject("must give " + std::to_string(redis::kMinRealmSecretBytes) + " to " +
                     std::to_string(redis::kMaxRealmSecretBytes) +
                     " visible characters: \"openssl rand -hex 32\" makes a secret");
    }
    return secret;
}

/// The value of users.
std::vector<std::string> users_of(const Entry& entry) {
    std::vector<std::string> users;
    for_each_element(entry, "strings", [&users](const Entry& element) {
        std::string user = text_of(element);
        if (!is_visible_text(user, redis::kMaxRealmUserBytes)) {
            element.reject("'" + user + "' is not the name of a user: 1 to " +
                           std::to_string(redis::kMaxRealmUserBytes) + " visible characters");
        }
        if (std::find(users.begin(), users.end(), user) != users.end()) {
            element.reject("the user '" + user + "' is named twice");
        }
        users.push_back(std::move(user));
    });
    if (users.empty()) {
        entry.reject("an empty list lets nobody in: leave users out, and the name of the realm is its user");
    }
    if (users.size() > redis::kMaxRealmUsers) {
        entry.reject("has more than " + std::to_string(redis::kMaxRealmUsers) + " users");
    }
    return users;
}

/// The value of app.
std::string realm_app_of(const Entry& entry) {
    std::string app = text_of(entry);
    if (!is_valid_app_id(app)) {
        entry.reject("'" + app + "' is not the id of an app");
    }
    return app;
}

/// The value of app_prefix.
std::string app_prefix_of(const Entry& entry) {
    std::string prefix = text_of(entry);
    if (!is_visible_text(prefix, redis::kMaxAppPrefixBytes)) {
        entry.reject("must give 1 to " + std::to_string(redis::kMaxAppPrefixBytes) +
                     " visible characters; leave app_prefix out for channels without a prefix");
    }
    return prefix;
}

/// The value of store_bytes.
std::uint64_t store_bytes_of(const Entry& entry) {
    const std::size_t bytes = number_or_zero_of(entry, redis::kMaxStoreBytes);
    if (bytes != 0 && bytes < redis::kMinStoreBytes) {
        entry.reject("must be " + std::to_string(redis::kMinStoreBytes) + " to " +
                     std::to_string(redis::kMaxStoreBytes) + " bytes, or 0: the realm keeps no keys");
    }
    return bytes;
}

/// Fills in the users that a realm has without being told.
void add_usual_users(redis::Realm& realm) {
    if (realm.users.empty()) {
        realm.users.push_back(realm.name);
    }
    const bool is_default = realm.name == redis::kDefaultRealm;
    if (is_default && std::find(realm.users.begin(), realm.users.end(), realm.name) == realm.users.end()) {
        realm.users.push_back(realm.name);
    }
}

/// Reads a table of [[redis_realms]].
GivenRealm given_realm_of(const Entry& table) {
    GivenRealm given{.realm = {}, .origin = table.where()};
    redis::Realm& realm = given.realm;
    for_each_member(table, [&given, &realm](const Entry& entry, std::string_view name) {
        if (name == "name") {
            realm.name = text_of(entry);
            if (!is_realm_name(realm.name)) {
                entry.reject("'" + realm.name + "' is not a name: 1 to " + std::to_string(redis::kMaxRealmNameBytes) +
                             " of the characters A-Z a-z 0-9 - _ .");
            }
        } else if (name == "secret" || name == "secret_file") {
            if (!realm.secret.empty()) {
                entry.reject("secret and secret_file exclude each other");
            }
            realm.secret = realm_secret_of(entry, name == "secret_file");
        } else if (name == "users") {
            realm.users = users_of(entry);
        } else if (name == "app") {
            realm.app = realm_app_of(entry);
        } else if (name == "app_prefix") {
            realm.app_prefix = app_prefix_of(entry);
        } else if (name == "store_bytes") {
            given.store_bytes = store_bytes_of(entry);
        } else {
            entry.reject_key(meant_key(name, kRealmKeys));
        }
    });
    if (realm.name.empty()) {
        table.reject("name is missing");
    }
    if (realm.app.empty() && !realm.app_prefix.empty()) {
        table.reject("app_prefix does nothing without app: name the app whose channels have the prefix");
    }
    add_usual_users(realm);
    return given;
}

/// Throws ConfigError for names and users that two realms have, and for two realms without a secret.
void check_realms(const std::vector<GivenRealm>& realms) {
    std::map<std::string_view, const GivenRealm*> names;
    std::map<std::string_view, const GivenRealm*> users;
    const GivenRealm* open = nullptr;
    for (const GivenRealm& given : realms) {
        const std::string begin = given.origin + ": the realm '" + given.realm.name + "' ";
        if (const auto [other, is_new] = names.emplace(given.realm.name, &given); !is_new) {
            throw ConfigError(begin + "is there twice (" + other->second->origin + ")");
        }
        for (const std::string& user : given.realm.users) {
            if (const auto [other, is_new] = users.emplace(user, &given); !is_new) {
                throw ConfigError(begin + "has the user '" + user + "', who belongs to the realm '" +
                                  other->second->realm.name + "' (" + other->second->origin +
                                  "): AUTH would not say which realm is meant");
            }
        }
        if (!given.realm.secret.empty()) {
            continue;
        }
        if (open != nullptr) {
            throw ConfigError(begin + "has no secret, and neither has the realm '" + open->realm.name + "' (" +
                              open->origin + "): one realm alone may go without; give this one secret_file or secret");
        }
        open = &given;
    }
}

/// Throws ConfigError for a realm without a secret where others than this machine's users come in. An empty list of
/// realms stands for the default realm, which has no secret.
void check_open_realm(const Address& address, const std::vector<GivenRealm>& realms, const std::string& origin) {
    if (address.is_loopback()) {
        return;
    }
    const std::string off_loopback = "redis_listen (" + to_string(address) + ") is not on loopback";
    const std::string remedy = std::string(kRealmRemedy) + ", or listen on loopback";
    if (realms.empty()) {
        throw ConfigError(origin + ": " + off_loopback +
                          ", and no realm is configured, so that nothing protects it: write " + remedy);
    }
    for (const GivenRealm& given : realms) {
        if (given.realm.secret.empty()) {
            throw ConfigError(given.origin + ": the realm '" + given.realm.name + "' has no secret, and " +
                              off_loopback + ": write " + remedy);
        }
    }
}

/// Throws ConfigError for a realm with an app that no app is, and for a realm that lets anybody publish as the app's
/// backend. Apps of apps_dir may come later, so no app is missing while there is an apps_dir.
void check_realm_apps(const Config& config, const std::vector<GivenRealm>& realms) {
    for (const GivenRealm& given : realms) {
        const redis::Realm& realm = given.realm;
        if (realm.app.empty()) {
            continue;
        }
        const std::string begin = given.origin + ": the realm '" + realm.name + "' ";
        const bool is_known = std::any_of(config.apps.begin(), config.apps.end(),
                                          [&realm](const App& app) { return app.id == realm.app; });
        if (!is_known && config.apps_dir.empty()) {
            throw ConfigError(begin + "names the app '" + realm.app + "', and there is no app with this id");
        }
        // The secret of the default app is public, and so nothing is lost by a realm without one on the same machine.
        if (realm.secret.empty() && !config.has_default_app) {
            throw ConfigError(begin + "has an app and no secret, so that anybody who connects could publish as the" +
                              " app's backend: write secret_file or secret");
        }
    }
}

}  // namespace

std::vector<GivenRealm> realms_of(const Entry& entry) {
    std::vector<GivenRealm> realms;
    for_each_element(entry, "tables: [[redis_realms]]",
                     [&realms](const Entry& table) { realms.push_back(given_realm_of(table)); });
    if (realms.size() > redis::kMaxRealms) {
        entry.reject("has more than " + std::to_string(redis::kMaxRealms) + " realms");
    }
    return realms;
}

void finish_redis(Config& config, std::vector<GivenRealm> realms, const Settings& given) {
    if (!config.redis_listen) {
        if (!realms.empty()) {
            throw ConfigError(realms.front().origin +
                              ": a realm does nothing without redis_listen: say with redis_listen (--redis-listen"
                              " HOST:PORT) where clients of Redis connect to");
        }
        if (config.redis_store_bytes != 0) {
            throw ConfigError(given.at("redis_store_bytes").origin +
                              ": redis_store_bytes does nothing without redis_listen: say with redis_listen"
                              " (--redis-listen HOST:PORT) where clients of Redis connect to");
        }
        return;
    }
    check_realms(realms);
    check_open_realm(*config.redis_listen, realms, given.at("redis_listen").origin);
    check_realm_apps(config, realms);
    for (GivenRealm& one : realms) {
        one.realm.store_bytes = one.store_bytes.value_or(config.redis_store_bytes);
        config.redis_realms.push_back(std::move(one.realm));
    }
    if (config.redis_realms.empty()) {
        redis::Realm realm;
        realm.name = redis::kDefaultRealm;
        realm.store_bytes = config.redis_store_bytes;
        add_usual_users(realm);
        config.redis_realms.push_back(std::move(realm));
    }
}

std::string redis_memory_warning(const Config& config) {
    // At most kMaxRealms realms of 64 GiB: the sum stays far below 2^64.
    std::uint64_t keys = 0;
    for (const redis::Realm& realm : config.redis_realms) {
        keys += realm.store_bytes;
    }
    // With the deleted keys that are remembered, the keys take a quarter more.
    const std::uint64_t most = keys + keys / 4;
    // New clients are refused from 80 % on.
    if (config.memory_limit == 0 || most < config.memory_limit / 5 * 4) {
        return {};
    }
    return "the keys of the realms may take " + std::to_string(most) +
           " bytes, and the node refuses new clients from " + "80 % of memory_limit on, which is " +
           std::to_string(config.memory_limit) +
           " bytes: lower redis_store_bytes or store_bytes, or give the node more memory";
}

}  // namespace tulle::node
