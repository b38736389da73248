#pragma once

#include <array>
#include <cstdint>
#include <vector>

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

/// True when the address can belong to anybody on the Internet: not to this machine, nor to a private, link-local,
/// shared (CGNAT), documentation, benchmark, multicast or reserved network. Of IPv6 only globally assigned addresses
/// count as public, without the forms that hold an IPv4 address (mapped, NAT64, 6to4, Teredo): such a form would be a
/// way round the rules for IPv4.
[[nodiscard]] bool is_public(const IpAddress& address);

/// Decides about the addresses that this node may call on behalf of apps (webhooks). Without such a policy an app could
/// make the node call services inside the operator's network.
struct AddressPolicy {
    /// True: every address may be called.
    bool allow_all = false;
    /// Ranges that may be called besides the public addresses.
    std::vector<AddressRange> allowed;

    /// The caller asks with the address of the connection itself, after all names and spellings have been resolved: a
    /// name could resolve differently a second time.
    [[nodiscard]] bool allows(const IpAddress& address) const;
    friend bool operator==(const AddressPolicy&, const AddressPolicy&) = default;
};

}  // namespace tulle::node
