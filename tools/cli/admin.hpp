#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "client/io/http_connection.hpp"

namespace tulle::cli {

/// Added to the time that a node waits for other nodes, when this program waits for the answer of such a node.
inline constexpr std::chrono::milliseconds kAdminPatience{1'500};

/// Reads the token that this program sends to admin listeners, from a file that holds the token alone, or from a file
/// as tulled reads one (admin_token_file). Empty without a file. Throws std::invalid_argument with the path and the
/// reason, never with the token.
[[nodiscard]] std::string read_admin_token(const std::string& path);

/// Says on stderr which nodes have not answered. Returns the exit code of the command: kOk when all have.
[[nodiscard]] int say_missing(const std::vector<std::string>& names);

/// Requests to the admin listener of a single node, over one kept connection.
///
/// Thread: one.
/// Limits: an answer has at most 64 MiB, as much as 300 nodes report of each other. A larger answer fails.
/// Errors: a request without an answer says so in its outcome (client::Exchange).
class Admin {
public:
    /// `address`: "HOST:PORT", an IPv6 address in brackets, the URL http://HOST:PORT, or "unix:/PATH". `timeout`: for
    /// each request. `token`: sent with each request; empty for none. Throws std::invalid_argument for anything else.
    Admin(const std::string& address, std::chrono::milliseconds timeout, std::string token = {});

    /// Sends a request for `target`, path and query, and waits for the answer.
    [[nodiscard]] client::Exchange get(std::string_view target);
    /// Sends a POST without a body, and waits for the answer.
    [[nodiscard]] client::Exchange post(std::string_view target);
    /// A sentence about an answer that is of no use: nobody has answered, the token is missing, wrong or too weak, or
    /// the status is no status of an admin listener's.
    [[nodiscard]] std::string why_useless(const client::Exchange& exchange) const;

private:
    /// `request`, a head without a body, with the token as a further field.
    [[nodiscard]] std::string with_token(std::string request) const;

    const std::string address_;
    const std::string token_;
    client::HttpConnection connection_;
};

/// Says on stderr why `exchange` is no answer of use: the reason of a node that refuses (400, 404, 503), or what
/// why_useless() tells. Returns kUnreachable.
int say_why_useless(const Admin& admin, const std::string& server, const client::Exchange& exchange);

}  // namespace tulle::cli
