#include "node/app/config_apps.hpp"

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "node/pusher/core/limits.hpp"

namespace tulle::node {
namespace {

/// The beginning of a message about an app: the place in the file.
std::string in_file(const App& app) {
    return app.origin.empty() ? "" : app.origin + ": ";
}

/// The largest size in bytes of the list of a presence channel: each quote in a user's info is escaped, and the id
/// comes twice.
std::size_t presence_list_bytes(std::size_t members, std::size_t member_bytes) {
    return members * (2 * member_bytes + 4 * kMaxUserIdBytes);
}

}  // namespace

void check_apps(const std::vector<App>& apps) {
    if (apps.size() > kMaxApps) {
        throw ConfigError("more than " + std::to_string(kMaxApps) + " apps");
    }
    std::map<std::string_view, const App*> ids;
    std::map<std::string_view, const App*> keys_seen;
    for (const App& app : apps) {
        const App* same_id = ids.emplace(app.id, &app).first->second;
        const App* same_key = keys_seen.emplace(app.key, &app).first->second;
        const App* other = same_id != &app ? same_id : same_key;
        if (other != &app) {
            throw ConfigError(in_file(app) + "the app '" + app.id + "' has an id or a key that another app has too" +
                              (other->origin.empty() ? "" : " (" + other->origin + ")"));
        }
    }
}

void check_outbox(const Config& config) {
    for (const App& app : config.apps) {
        const std::size_t event = app.max_event_bytes + kClientMessageOverhead;
        if (event > config.outbox.max_bytes) {
            throw ConfigError(in_file(app) + "the app '" + app.id + "': an event may take " + std::to_string(event) +
                              " bytes (max_event_bytes and " + std::to_string(kClientMessageOverhead) +
                              " for what is around it), more than outbox_bytes (" +
                              std::to_string(config.outbox.max_bytes) + "): raise that, or lower max_event_bytes");
        }
    }
}

void check_presence(const Config& config) {
    constexpr auto kUsual = std::pair(kDefaultMaxPresenceMembers, kDefaultMaxPresenceMemberBytes);
    for (const App& app : config.apps) {
        const std::size_t list = presence_list_bytes(app.max_presence_members, app.max_presence_member_bytes);
        if (list > config.outbox.max_bytes && list > presence_list_bytes(kUsual.first, kUsual.second)) {
            throw ConfigError(in_file(app) + "the app '" + app.id + "': the list of a presence channel may take " +
                              std::to_string(list) + " bytes, more than outbox_bytes (" +
                              std::to_string(config.outbox.max_bytes) +
                              "): raise that, or lower max_presence_members or max_presence_member_bytes");
        }
    }
}

}  // namespace tulle::node
