#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "mesh/base/time.hpp"
#include "node/core/outbox.hpp"
#include "node/edge/node_limits.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/edge/app_rations.hpp"
#include "node/redis/edge/publish_map.hpp"

namespace tulle::node {

/// Says in the log which publishes in realms with an app became no event of the app, and why.
///
/// Thread: the bridge's.
/// Limits: a line for each realm in kInterval, with the number of publishes since the line before.
/// Errors: none.
class RedisBridgeLog {
public:
    static constexpr Duration kInterval = 60s;

    /// The line for a further publish; nothing while the interval lasts. `channel`: the name without the prefix.
    /// `reason`: a statement.
    [[nodiscard]] std::optional<std::string> line(const redis::Realm& realm, std::string_view channel,
                                                  std::string_view reason, Instant now);

private:
    struct Entry {
        std::uint64_t untold = 0;
        std::optional<Instant> told_at;
    };

    /// By the name of the realm.
    std::map<std::string, Entry, std::less<>> entries_;
};

/// Makes events of an app out of what is published in a realm with an app, as if the app's backend had sent them by the
/// HTTP API: the same names, limits and rates. The payload is a JSON object as Laravel's broadcaster and
/// laravel-echo-server know it: `event`, `data`, and in `socket` the connection that is left out.
///
/// Thread: the shard's, as for each PublishMap.
/// Time:   `now` must not go backwards.
/// Errors: none. A payload that is no such object, or an event that the HTTP API would refuse, is counted, and the log
///         tells of it.
class RedisBridge final : public redis::PublishMap {
public:
    /// `outbox`: the limits of the clients of the apps, for whom an event may be too large.
    RedisBridge(AppTable apps, std::shared_ptr<AppRations> rations, std::shared_ptr<NodeLimits> limits,
                OutboxLimits outbox);

    [[nodiscard]] std::optional<mesh::Publish> map(const redis::Realm& realm, redis::RealmCounters& counters,
                                                   std::string_view channel, std::string_view payload,
                                                   Instant now) override;
    /// A new configuration.
    void set_apps(AppTable apps) { apps_ = std::move(apps); }

private:
    /// The event for the channel. Sets `reason`, if there is none.
    [[nodiscard]] std::optional<mesh::Publish> event_of(const std::string& app_id, std::string_view channel,
                                                        std::string_view payload, Instant now, std::string& reason);

    AppTable apps_;
    const std::shared_ptr<AppRations> rations_;
    const std::shared_ptr<NodeLimits> limits_;
    const OutboxLimits outbox_;
    RedisBridgeLog log_;
};

}  // namespace tulle::node
