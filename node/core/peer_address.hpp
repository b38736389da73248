#pragma once

#include <array>
#include <compare>
#include <cstdint>

namespace tulle::node {

/// Whom limits by address are about: an IPv4 address, or an IPv6 network of 64 bits, which is what one customer gets.
struct PeerAddress {
    std::uint64_t network = 0;
    bool is_v6 = false;

    /// Of this machine or of a private network, where proxies sit: loopback, link-local, RFC 1918, shared (RFC 6598)
    /// and unique local addresses.
    [[nodiscard]] bool is_private() const;
    friend auto operator<=>(const PeerAddress&, const PeerAddress&) = default;
};

[[nodiscard]] PeerAddress peer_of_v4(std::uint32_t address);
/// An IPv4 address that is written as IPv6 is that IPv4 address.
[[nodiscard]] PeerAddress peer_of_v6(const std::array<std::uint8_t, 16>& bytes);

}  // namespace tulle::node
