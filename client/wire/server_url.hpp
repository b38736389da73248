#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mesh/base/result.hpp"

namespace tulle::client {

enum class UrlErrc : std::uint8_t {
    kMalformed,
    kScheme,  ///< not the scheme that was asked for
    kTls,     ///< wss or https, which this client cannot speak yet
    kHost,
    kPort,    ///< not 1 to 65535
    kExtras,  ///< user information, query or fragment
};
[[nodiscard]] std::string_view describe(UrlErrc error);

/// Where a node is reached.
struct ServerUrl {
    std::string host;    ///< a name or a bare address, without brackets
    std::string port;    ///< decimal, 1 to 65535
    std::string prefix;  ///< percent-encoded path without a trailing slash, empty for the root
    friend bool operator==(const ServerUrl&, const ServerUrl&) = default;

    /// For the Host header: brackets round an IPv6 address, the port left out when it is 80.
    [[nodiscard]] std::string authority() const;
};

/// `scheme` is "ws" or "http"; without a port the URL means 80.
[[nodiscard]] Result<ServerUrl, UrlErrc> parse_server_url(std::string_view text, std::string_view scheme);

/// The request target of the WebSocket handshake for `app_key` at this server.
[[nodiscard]] std::string websocket_target(const ServerUrl& server, std::string_view app_key, std::string_view version);

/// Everything but unreserved characters as %XX.
[[nodiscard]] std::string percent_encoded(std::string_view text);

}  // namespace tulle::client
