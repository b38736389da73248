#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "client/io/http_connection.hpp"

namespace tulle::cli {

/// Added to the time that a node waits for other nodes, when this program waits for the answer of such a node.
inline constexpr std::chrono::milliseconds kAdminPatience{1'500};

/// Requests to the admin listener of a single node, over one kept connection.
///
/// Thread: one.
/// Limits: an answer has at most 64 MiB, as much as 300 nodes report of each other. A larger answer fails.
/// Errors: a request without an answer says so in its outcome (client::Exchange).
class Admin {
public:
    /// `address`: "HOST:PORT", an IPv6 address in brackets, or the URL http://HOST:PORT. `timeout`: for each request.
    /// Throws std::invalid_argument for anything else.
    Admin(const std::string& address, std::chrono::milliseconds timeout);

    /// Sends a request for `target`, path and query, and waits for the answer.
    [[nodiscard]] client::Exchange get(std::string_view target);
    /// Sends a POST without a body, and waits for the answer.
    [[nodiscard]] client::Exchange post(std::string_view target);

private:
    client::HttpConnection connection_;
};

}  // namespace tulle::cli
