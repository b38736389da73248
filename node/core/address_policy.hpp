#pragma once

#include <vector>

#include "node/core/ip_address.hpp"

namespace tulle::node {

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
