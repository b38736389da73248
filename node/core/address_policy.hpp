#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace tulle::node {

/// An IP address by its bytes in network order; of IPv4 the first four.
struct IpAddress {
    bool is_v6 = false;
    std::array<std::uint8_t, 16> bytes{};
    friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

/// All addresses of the same family whose first `bits` are those of `base`.
struct AddressRange {
    IpAddress base;
    unsigned bits = 0;
    friend bool operator==(const AddressRange&, const AddressRange&) = default;
};

[[nodiscard]] bool contains(const AddressRange& range, const IpAddress& address);

/// Whether it can be anybody's on the Internet: not this machine, a private, link-local, shared (CGNAT), documentation,
/// benchmark, multicast or reserved network. Of IPv6 only what is assigned globally is, without forms that hold an
/// IPv4 address (mapped, NAT64, 6to4, Teredo), as they would be a way round.
[[nodiscard]] bool is_public(const IpAddress& address);

/// Which addresses this node may call on behalf of its apps.
struct AddressPolicy {
    bool allow_all = false;
    std::vector<AddressRange> allowed;  ///< beside public ones

    /// Asked with the very address of the connection, after all names and spellings have been resolved.
    [[nodiscard]] bool allows(const IpAddress& address) const;
    friend bool operator==(const AddressPolicy&, const AddressPolicy&) = default;
};

}  // namespace tulle::node
