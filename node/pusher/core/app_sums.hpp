#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace tulle::node {

/// What an app has used of a node.
struct AppSums {
    /// WebSocket connections that are open now.
    std::uint64_t connections = 0;
    /// WebSocket messages received of clients of the app.
    std::uint64_t received = 0;
    /// Events of the app accepted for publishing: over HTTP, and client events.
    std::uint64_t published = 0;
    friend bool operator==(const AppSums&, const AppSums&) = default;
};

/// By the app's id.
using AppSumsById = std::map<std::string, AppSums, std::less<>>;

}  // namespace tulle::node
