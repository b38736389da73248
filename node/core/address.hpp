#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tulle::node {

/// "host:port" or "[IPv6]:port". The host is kept without brackets.
struct Address {
    std::string host;
    std::uint16_t port = 0;

    /// The host is this machine's loopback by its text alone: 127.0.0.0/8, ::1 or localhost.
    [[nodiscard]] bool is_loopback() const;
    /// The host stands for every address of the machine.
    [[nodiscard]] bool is_wildcard() const { return host == "0.0.0.0" || host == "::"; }
    friend bool operator==(const Address&, const Address&) = default;
};

/// Nothing unless both parts are there and the port is a decimal number up to 65535.
[[nodiscard]] std::optional<Address> parse_address(std::string_view text);
[[nodiscard]] std::string to_string(const Address& address);

}  // namespace tulle::node
