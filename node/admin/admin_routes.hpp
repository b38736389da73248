#pragma once

#include <string_view>

#include "node/admin/admin_tokens.hpp"

namespace tulle::node {

/// The pages of the admin listener.
enum class AdminPage {
    /// The root and "*", which exist for OPTIONS alone.
    kChecksOnly,
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

    /// The value of the field Allow.
    [[nodiscard]] std::string_view allowed() const {
        return method == "POST" ? std::string_view("POST, OPTIONS") : std::string_view("GET, HEAD, OPTIONS");
    }
};

/// All paths of the listener.
inline constexpr AdminRoute kAdminRoutes[] = {
    {"*", AdminPage::kChecksOnly, "GET", AdminScope::kNone},
    {"/", AdminPage::kChecksOnly, "GET", AdminScope::kNone},
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
};

/// The route of a path; null for an unknown path.
[[nodiscard]] constexpr const AdminRoute* find_admin_route(std::string_view path) {
    for (const AdminRoute& route : kAdminRoutes) {
        if (route.path == path) {
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
        if (route.path == path) {
            return route.scope;
        }
    }
    return AdminScope::kRead;
}

static_assert(scope_of_path("/ready") == AdminScope::kNone && scope_of_path("/metrics") == AdminScope::kRead);

}  // namespace tulle::node
