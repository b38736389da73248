#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/time.hpp"
#include "node/pusher/core/limits.hpp"
#include "node/pusher/core/webhooks.hpp"

namespace tulle::node {

/// What a client learns when messages on one of its channels are lost for good.
enum class GapPolicy : std::uint8_t {
    kEvent,  ///< the event tulle:gap on the channel
    kClose,  ///< close 4200: clients answer by reconnecting, and load anew what they show
};

/// One tenant: its credentials, switches and limits. The secret must never reach a log or a page.
struct App {
    std::string id;
    std::string key;
    std::string secret;
    bool enabled = true;
    bool client_events = false;
    GapPolicy on_gap = GapPolicy::kEvent;
    std::size_t max_event_bytes = kDefaultMaxEventBytes;
    std::size_t client_events_per_second = kDefaultClientEventsPerSecond;  ///< of one connection; 0: no limit
    std::size_t max_connections = 0;                                       ///< over the whole mesh; 0: no limit
    std::size_t max_backend_events_per_second = 0;  ///< so too; an event counts once for each of its channels
    std::size_t max_read_requests_per_second = 0;   ///< so too
    std::size_t max_channel_name_length = kMaxChannelNameBytes;
    std::size_t max_event_name_length = kMaxEventNameCharacters;
    std::size_t max_event_channels_at_once = kMaxPublishChannels;
    std::size_t max_event_batch_size = kDefaultMaxBatchEvents;
    /// In which a connection must be granted a private or presence channel; else it is closed with 4009. 0: no need to.
    Duration authorization_timeout{};
    /// As parse_origin_pattern() gives them; empty: every origin may connect.
    std::vector<std::string> allowed_origins;
    std::size_t max_presence_members = kDefaultMaxPresenceMembers;
    std::size_t max_presence_member_bytes = kDefaultMaxPresenceMemberBytes;
    bool user_authentication = true;        ///< clients may sign in as users
    bool watchlist_events = false;          ///< who has signed in is told who of its watchlist is online
    Duration cache_ttl = kDefaultCacheTtl;  ///< how long a cache channel keeps its last event; 0: not at all
    std::string origin = {};                ///< the file and line that configured it, for messages
    bool subscription_count = false;        ///< clients are told how many are subscribed to their channels
    std::vector<Webhook> webhooks;
};

/// Whether a page of this origin may connect to the app's WebSockets. Clients that are no browsers name none and may.
[[nodiscard]] bool allows_origin(const App& app, std::string_view origin);

/// The apps of this node at one moment, found by key (WebSocket) or id (HTTP). A copy is cheap, and shares them.
///
/// Thread: the apps themselves never change and are read from any; each copy of the table is confined to its owner.
/// Errors: the caller has checked that ids and keys are valid and unique.
class AppTable {
public:
    AppTable() : AppTable(std::vector<App>{}) {}
    explicit AppTable(std::vector<App> apps);

    /// Null when unknown; otherwise valid as long as this copy of the table, or another, is held and not assigned to.
    [[nodiscard]] const App* find_by_key(std::string_view key) const;
    [[nodiscard]] const App* find_by_id(std::string_view id) const;
    [[nodiscard]] const std::vector<App>& all() const { return contents_->apps; }

private:
    using Index = std::map<std::string_view, const App*>;
    struct Contents {
        std::vector<App> apps;
        Index by_id;
        Index by_key;
    };

    std::shared_ptr<const Contents> contents_;
};

/// What has become of an app that a client is connected to.
enum class AppFate : std::uint8_t {
    kServed,
    kGone,  ///< removed, or its key is another
    kDisabled,
};
/// `before` in the apps of now: where to find it, if it is served.
[[nodiscard]] std::pair<AppFate, const App*> fate_of(const App& before, const AppTable& now);

}  // namespace tulle::node
