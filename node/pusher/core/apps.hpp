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
#include "node/pusher/core/history_rule.hpp"
#include "node/pusher/core/limits.hpp"
#include "node/pusher/core/webhooks.hpp"

namespace tulle::node {

/// How a client learns of messages lost for good.
enum class GapPolicy : std::uint8_t {
    /// The event tulle:gap is sent on the channel.
    kEvent,
    /// The connection is closed with 4200: clients answer by reconnecting, and load afresh whatever their pages show.
    kClose,
};

/// A tenant: credentials, switches and limits, as the configuration gives them. The secret must never reach a log or a
/// page.
struct App {
    std::string id;
    std::string key;
    std::string secret;
    bool enabled = true;
    bool client_events = false;
    GapPolicy on_gap = GapPolicy::kEvent;
    /// Of the data of a single event, in bytes.
    std::size_t max_event_bytes = kDefaultMaxEventBytes;
    /// Of a single connection; 0 is no limit.
    std::size_t client_events_per_second = kDefaultClientEventsPerSecond;
    /// Over the whole mesh; 0 is no limit.
    std::size_t max_connections = 0;
    /// Over the whole mesh; 0 is no limit. An event counts once for each of its channels.
    std::size_t max_backend_events_per_second = 0;
    /// Over the whole mesh; 0 is no limit.
    std::size_t max_read_requests_per_second = 0;
    /// In bytes; a channel name is ASCII, so bytes are characters.
    std::size_t max_channel_name_length = kMaxChannelNameBytes;
    /// In code points.
    std::size_t max_event_name_length = kMaxEventNameCharacters;
    /// Of a single publish.
    std::size_t max_event_channels_at_once = kMaxPublishChannels;
    /// In events.
    std::size_t max_event_batch_size = kDefaultMaxBatchEvents;
    /// How long a new connection may go without a granted private or presence channel and without a sign-in. The
    /// session then closes the connection with 4009. 0 switches the check off.
    Duration authorization_timeout{};
    /// Patterns made by parse_origin_pattern(). Empty: every origin may connect.
    std::vector<std::string> allowed_origins;
    /// Of a single presence channel, over the whole mesh.
    std::size_t max_presence_members = kDefaultMaxPresenceMembers;
    /// Of a user_info.
    std::size_t max_presence_member_bytes = kDefaultMaxPresenceMemberBytes;
    /// Clients may sign in as users.
    bool user_authentication = true;
    /// A signed-in client is told when users on its watchlist come online or go offline.
    bool watchlist_events = false;
    /// How long a cache channel keeps its last event; 0: not at all.
    Duration cache_ttl = kDefaultCacheTtl;
    /// The file and line of the configuration, for error messages.
    std::string origin = {};
    /// Clients are told the number of subscribers of their channels.
    bool subscription_count = false;
    std::vector<Webhook> webhooks;
    /// In the order of the configuration: the first rule that fits a channel holds.
    std::vector<HistoryRule> history;
};

/// True when a page of `origin` (value of the Origin header) may connect to the app's WebSockets. Clients other than
/// browsers send no Origin; the caller does not ask for such clients, and lets them in.
[[nodiscard]] bool allows_origin(const App& app, std::string_view origin);

/// The apps of this node at a moment, found by key (WebSocket) or id (HTTP). A copy is cheap: all copies share the
/// apps.
///
/// Thread: the apps never change and any thread may read them; each copy of the table belongs to a single thread.
/// Errors: none. The caller has checked that ids and keys are valid and unique; of duplicates the first is found.
class AppTable {
public:
    AppTable() : AppTable(std::vector<App>{}) {}
    explicit AppTable(std::vector<App> apps);

    /// Null when no app has the key. The pointer is valid as long as any copy of the table lives that was not assigned
    /// to.
    [[nodiscard]] const App* find_by_key(std::string_view key) const;
    /// As find_by_key(), by the id of the app.
    [[nodiscard]] const App* find_by_id(std::string_view id) const;
    [[nodiscard]] const std::vector<App>& all() const { return contents_->apps; }

private:
    using Index = std::map<std::string_view, const App*>;
    /// The views and pointers of the indexes point into `apps`, so `apps` must not change after the indexes are built.
    struct Contents {
        std::vector<App> apps;
        Index by_id;
        Index by_key;
    };

    std::shared_ptr<const Contents> contents_;
};

/// The state of an app after a reload, for a client that is connected to the app.
enum class AppFate : std::uint8_t {
    kServed,
    /// The app was removed, or has another key.
    kGone,
    kDisabled,
};
/// Looks up `before` in the apps that are configured at present. The pointer is null for kGone, else points at the
/// present configuration of the app.
[[nodiscard]] std::pair<AppFate, const App*> fate_of(const App& before, const AppTable& now);

}  // namespace tulle::node
