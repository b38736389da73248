#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "client/io/http_connection.hpp"

namespace tulle::cli {

/// With a node that asks others, beyond what the node waits for those.
inline constexpr std::chrono::milliseconds kAdminPatience{1'500};

/// Requests to the admin listener of one node, "HOST:PORT" (an IPv6 address in brackets). One thread.
/// Limits: an answer of 64 MiB, which is what 300 nodes tell of each other.
class Admin {
public:
    /// Throws std::invalid_argument for what is no address.
    Admin(const std::string& address, std::chrono::milliseconds timeout);

    [[nodiscard]] client::Exchange get(std::string_view target);
    [[nodiscard]] client::Exchange post(std::string_view target);

private:
    client::HttpConnection connection_;
};

}  // namespace tulle::cli
