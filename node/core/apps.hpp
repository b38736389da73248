#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/time.hpp"
#include "node/core/limits.hpp"

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
    /// In which a connection must be granted a private or presence channel; else it is closed with 4009. 0: no need to.
    Duration authorization_timeout{};
    /// "https://example.com", "https://*.example.com" or "*"; empty: every origin may connect.
    std::vector<std::string> allowed_origins;
    std::size_t max_presence_members = kDefaultMaxPresenceMembers;
    std::size_t max_presence_member_bytes = kDefaultMaxPresenceMemberBytes;
    bool user_authentication = true;  ///< clients may sign in as users
    bool watchlist_events = false;    ///< who has signed in is told who of its watchlist is online
    Duration cache_ttl = kDefaultCacheTtl;  ///< how long a cache channel keeps its last event; 0: not at all
};

/// Whether a page of this origin may connect to the app's WebSockets. Clients that are no browsers name none and may.
[[nodiscard]] bool allows_origin(const App& app, std::string_view origin);

/// The apps of this node, found by key (WebSocket) or id (HTTP).
///
/// Thread: immutable after construction; read from any.
/// Errors: the caller has checked that ids and keys are valid and unique.
class AppTable {
public:
    explicit AppTable(std::vector<App> apps) : apps_(std::move(apps)) {}

    /// Null when unknown; otherwise valid as long as the table is.
    [[nodiscard]] const App* find_by_key(std::string_view key) const;
    [[nodiscard]] const App* find_by_id(std::string_view id) const;
    [[nodiscard]] const std::vector<App>& all() const { return apps_; }
    /// What the most generous app allows: the bound of a WebSocket message before its app is known.
    [[nodiscard]] std::size_t max_event_bytes() const;

private:
    std::vector<App> apps_;
};

}  // namespace tulle::node
