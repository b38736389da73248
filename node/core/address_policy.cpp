#include "node/core/address_policy.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace tulle::node {
namespace {

// A range of IPv4, by its first bytes.
constexpr AddressRange v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, unsigned bits) {
    return {{false, {a, b, c}}, bits};
}

// A range of IPv6, by its first bytes.
constexpr AddressRange v6(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d, unsigned bits) {
    return {{true, {a, b, c, d}}, bits};
}

// Ranges of IPv4 that are not public, after the IANA registry of special-purpose addresses.
constexpr AddressRange kNotPublicV4[] = {
    v4(0, 0, 0, 8),        // this network: 0.0.0.0 is the machine itself
    v4(10, 0, 0, 8),       // private
    v4(100, 64, 0, 10),    // shared by carriers (CGNAT)
    v4(127, 0, 0, 8),      // loopback
    v4(169, 254, 0, 16),   // link-local: the metadata of clouds
    v4(172, 16, 0, 12),    // private
    v4(192, 0, 0, 24),     // protocol assignments
    v4(192, 0, 2, 24),     // documentation
    v4(192, 88, 99, 24),   // 6to4 relays
    v4(192, 168, 0, 16),   // private
    v4(198, 18, 0, 15),    // benchmarks
    v4(198, 51, 100, 24),  // documentation
    v4(203, 0, 113, 24),   // documentation
    v4(224, 0, 0, 4),      // multicast
    v4(240, 0, 0, 4),      // reserved, and broadcast
};

// 2000::/3: IANA assigns global addresses from this range only.
constexpr AddressRange kGlobalV6 = v6(0x20, 0, 0, 0, 3);

// Ranges inside kGlobalV6 that are not public.
constexpr AddressRange kNotPublicV6[] = {
    v6(0x20, 0x01, 0, 0, 23),        // protocol assignments; Teredo holds an IPv4 address
    v6(0x20, 0x01, 0x0d, 0xb8, 32),  // documentation
    v6(0x20, 0x02, 0, 0, 16),        // 6to4 holds an IPv4 address
    v6(0x3f, 0xff, 0, 0, 20),        // documentation
};

}  // namespace

bool is_public(const IpAddress& address) {
    const auto holds = [&address](const AddressRange& range) { return contains(range, address); };
    if (address.is_v6) {
        return holds(kGlobalV6) && std::none_of(std::begin(kNotPublicV6), std::end(kNotPublicV6), holds);
    }
    return std::none_of(std::begin(kNotPublicV4), std::end(kNotPublicV4), holds);
}

bool AddressPolicy::allows(const IpAddress& address) const {
    return allow_all || is_public(address) ||
           std::any_of(allowed.begin(), allowed.end(),
                       [&](const AddressRange& range) { return contains(range, address); });
}

}  // namespace tulle::node
