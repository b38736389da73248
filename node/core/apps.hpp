#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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
};

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
