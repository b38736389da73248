#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mesh/base/result.hpp"

namespace tulle::client {

/// The reasons against a server's URL.
enum class UrlErrc : std::uint8_t {
    kMalformed,
    /// Another scheme than the wanted scheme.
    kScheme,
    /// No host, or a host with escapes.
    kHost,
    /// Not 1 to 65535.
    kPort,
    /// User information, a query or a fragment.
    kExtras,
};
/// The error in words, with advice for the user.
[[nodiscard]] std::string_view describe(UrlErrc error);

/// The address of a node.
struct ServerUrl {
    /// A name or an address, without brackets.
    std::string host;
    /// Decimal, 1 to 65535.
    std::string port;
    /// A percent-encoded path without a trailing slash; empty for the root.
    std::string prefix;
    /// wss or https.
    bool is_tls = false;
    friend bool operator==(const ServerUrl&, const ServerUrl&) = default;

    /// The value of the Host header: brackets around an IPv6 address, and no port when the port is the scheme's own.
    [[nodiscard]] std::string authority() const;
};

/// Parses a URL. `scheme` is "ws" or "http", in lower case, and stands for "wss" and "https" as well. The default port
/// is 80, or 443 with TLS.
[[nodiscard]] Result<ServerUrl, UrlErrc> parse_server_url(std::string_view text, std::string_view scheme);

/// The request target of the WebSocket handshake for the app with the key `app_key`, protocol version 7.
[[nodiscard]] std::string websocket_target(const ServerUrl& server, std::string_view app_key, std::string_view version);

/// The text with every byte other than RFC 3986's unreserved characters as %XX.
[[nodiscard]] std::string percent_encoded(std::string_view text);

}  // namespace tulle::client
