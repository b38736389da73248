#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "node/core/ip_address.hpp"

namespace tulle::node {

/// The unit of all limits by address: an IPv4 address, or an IPv6 network of 64 bits, because a customer of a provider
/// gets a whole network.
struct PeerAddress {
    /// The 32 bits of an IPv4 address, or the first 64 bits of an IPv6 address.
    std::uint64_t network = 0;
    bool is_v6 = false;

    /// True for an address of this machine or of a private network, where proxies sit: loopback, link-local, RFC 1918,
    /// shared (RFC 6598) and unique local addresses.
    [[nodiscard]] bool is_private() const;
    friend auto operator<=>(const PeerAddress&, const PeerAddress&) = default;
};

/// The peer with an IPv4 address in host byte order.
[[nodiscard]] PeerAddress peer_of_v4(std::uint32_t address);
/// The peer with an IPv6 address in network byte order. An IPv4 address in IPv6 form (::ffff:a.b.c.d) counts as the
/// IPv4 address.
[[nodiscard]] PeerAddress peer_of_v6(const std::array<std::uint8_t, 16>& bytes);
/// The peer with an address of either family.
[[nodiscard]] PeerAddress peer_of(const IpAddress& address);
/// The text for messages: "203.0.113.7", or "2001:db8:0:1::/64".
[[nodiscard]] std::string to_string(const PeerAddress& address);

}  // namespace tulle::node
