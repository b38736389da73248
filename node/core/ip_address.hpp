#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tulle::node {

/// An IP address by its bytes in network order. An IPv4 address uses the first four bytes.
struct IpAddress {
    bool is_v6 = false;
    std::array<std::uint8_t, 16> bytes{};
    friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

/// A CIDR range: all addresses of the family of `base` with the same first `bits` bits as `base`. REQUIRES: `bits` ≤ 32
/// for IPv4, ≤ 128 for IPv6.
struct AddressRange {
    IpAddress base;
    unsigned bits = 0;
    friend bool operator==(const AddressRange&, const AddressRange&) = default;
};

/// True when the range holds the address. Addresses of the other family are never in the range.
[[nodiscard]] bool contains(const AddressRange& range, const IpAddress& address);

/// Reads an address: four decimal numbers without leading zeros ("10.0.0.1"), or an IPv6 address without brackets and
/// without a zone. Nothing for any other text: no name is looked up, and no shorter or longer spelling is guessed at.
[[nodiscard]] std::optional<IpAddress> parse_ip(std::string_view text);

/// Reads a range such as "10.0.0.0/8" or "fd00::/8". An address without a length stands for itself alone.
[[nodiscard]] std::optional<AddressRange> parse_range(std::string_view text);

/// The IPv4 address that an address of the form ::ffff:a.b.c.d stands for; any other address comes back unchanged.
[[nodiscard]] IpAddress unmapped(const IpAddress& address);

/// The address as text: an IPv6 address in the form of RFC 5952, but without dots.
[[nodiscard]] std::string to_string(const IpAddress& address);

}  // namespace tulle::node
