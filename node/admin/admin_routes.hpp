#pragma once

#include <string_view>

#include "node/admin/admin_tokens.hpp"

namespace tulle::node {

/// The pages of the admin listener.
enum class AdminPage {
    /// "*", which exists for OPTIONS alone.
    kChecksOnly,
    /// The page for operators, and its files.
    kPage,
    kPageStyle,
    kPageScript,
    kPageTables,
    kLive,
    kReady,
    kMetrics,
    kStatus,
    kDoctor,
    kTrace,
    kReload,
    kDrain,
    kUndrain,
    kRebalance,
    kChannels,
    kPresence,
    kConnections,
    /// A connection by its id, which ends the path.
    kConnection,
    kKick,
    kEvents,
    kLog,
};

/// A path of the admin listener.
struct AdminRoute {
    std::string_view path;
    AdminPage page;
    /// GET or POST. HEAD goes with GET, and OPTIONS with both.
    std::string_view method;
    /// The scope that a token needs for the path.
    AdminScope scope;

    /// True when a request for `asked` is for this route. A route that ends with a slash, apart from the root, is for
    /// all paths with more behind.
    [[nodiscard]] constexpr bool is_for(std::string_view asked) const {
        const bool is_folder = path.size() > 1 && path.back() == '/';
        return is_folder ? asked.size() > path.size() && asked.substr(0, path.size()) == path : asked == path;
    }
    /// The value of the field Allow.
    [[nodiscard]] std::string_view allowed() const {
        return method == "POST" ? std::string_view("POST, OPTIONS") : std::string_view("GET, HEAD, OPTIONS");
    }
};

/// All paths of the listener. The first route that is for a path holds.
inline constexpr AdminRoute kAdminRoutes[] = {
    {"*", AdminPage::kChecksOnly, "GET", AdminScope::kNone},
    // The page holds nothing of the node. Its questions need a token where those of others do.
    {"/", AdminPage::kPage, "GET", AdminScope::kNone},
    {"/page.css", AdminPage::kPageStyle, "GET", AdminScope::kNone},
    {"/page.js", AdminPage::kPageScript, "GET", AdminScope::kNone},
    {"/tables.js", AdminPage::kPageTables, "GET", AdminScope::kNone},
    {"/up", AdminPage::kLive, "GET", AdminScope::kNone},
    {"/live", AdminPage::kLive, "GET", AdminScope::kNone},
    {"/ready", AdminPage::kReady, "GET", AdminScope::kNone},
    {"/metrics", AdminPage::kMetrics, "GET", AdminScope::kRead},
    {"/v1/status", AdminPage::kStatus, "GET", AdminScope::kRead},
    {"/v1/doctor", AdminPage::kDoctor, "GET", AdminScope::kRead},
    {"/v1/events", AdminPage::kEvents, "GET", AdminScope::kRead},
    {"/v1/trace", AdminPage::kTrace, "POST", AdminScope::kRead},
    {"/v1/log", AdminPage::kLog, "POST", AdminScope::kOperate},
    {"/v1/reload", AdminPage::kReload, "POST", AdminScope::kOperate},
    {"/v1/drain", AdminPage::kDrain, "POST", AdminScope::kOperate},
    {"/v1/undrain", AdminPage::kUndrain, "POST", AdminScope::kOperate},
    {"/v1/rebalance", AdminPage::kRebalance, "POST", AdminScope::kOperate},
    {"/v1/channels", AdminPage::kChannels, "GET", AdminScope::kRead},
    {"/v1/presence", AdminPage::kPresence, "GET", AdminScope::kRead},
    {"/v1/conns", AdminPage::kConnections, "GET", AdminScope::kRead},
    {"/v1/conns/kick", AdminPage::kKick, "POST", AdminScope::kOperate},
    {"/v1/conns/", AdminPage::kConnection, "GET", AdminScope::kRead},
};

/// The route of a path; null for an unknown path.
[[nodiscard]] constexpr const AdminRoute* find_admin_route(std::string_view path) {
    for (const AdminRoute& route : kAdminRoutes) {
        if (route.is_for(path)) {
            return &route;
        }
    }
    return nullptr;
}

/// The scope that a request for `path` needs. An unknown path needs a token too: without a token nobody learns which
/// paths there are.
[[nodiscard]] constexpr AdminScope scope_of_path(std::string_view path) {
    // Without find_admin_route(): with the sanitizer of undefined behaviour g++ 12 takes no comparison of a pointer
    // with null for a constant.
    for (const AdminRoute& route : kAdminRoutes) {
        if (route.is_for(path)) {
            return route.scope;
        }
    }
    return AdminScope::kRead;
}

static_assert(scope_of_path("/ready") == AdminScope::kNone && scope_of_path("/metrics") == AdminScope::kRead);
static_assert(scope_of_path("/v1/conns/kick") == AdminScope::kOperate &&
              scope_of_path("/v1/conns/1.2") == AdminScope::kRead);

}  // namespace tulle::node
