#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tulle::node {

/// A TCP endpoint in text form: "host:port" or "[IPv6]:port". `host` is stored without brackets. Port 0 lets the kernel
/// choose a port when a listener binds the address.
struct Address {
    std::string host;
    std::uint16_t port = 0;

    /// True when the text of the host names this machine's loopback: 127.0.0.0/8 (also written as ::ffff:127.x.y.z),
    /// ::1 or localhost. No name is looked up.
    [[nodiscard]] bool is_loopback() const;
    /// True when the host stands for every address of the machine.
    [[nodiscard]] bool is_wildcard() const { return host == "0.0.0.0" || host == "::"; }
    friend bool operator==(const Address&, const Address&) = default;
};

/// Splits `text` at the last colon. Returns nothing when host or port is missing, when the host has a character outside
/// host names and IP addresses or more than 253 bytes, or when the port is no decimal number up to 65535.
[[nodiscard]] std::optional<Address> parse_address(std::string_view text);
/// The inverse of parse_address: a host with a colon gets brackets.
[[nodiscard]] std::string to_string(const Address& address);

}  // namespace tulle::node
