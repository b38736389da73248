#include "node/core/trusted_proxies.hpp"

#include <algorithm>
#include <iterator>

namespace tulle::node {
namespace {

// The leading bits of ::ffff:0:0/96, which holds the IPv4 addresses.
constexpr unsigned kMappedBits = 96;

AddressRange unmapped_range(const AddressRange& range) {
    const IpAddress base = unmapped(range.base);
    const bool was_mapped = range.base.is_v6 && !base.is_v6 && range.bits >= kMappedBits;
    return was_mapped ? AddressRange{base, range.bits - kMappedBits} : range;
}

}  // namespace

std::optional<ForwardedHeader> forwarded_header_of(std::string_view text) {
    if (text == "x-forwarded-for") {
        return ForwardedHeader::kXForwardedFor;
    }
    if (text == "forwarded") {
        return ForwardedHeader::kForwarded;
    }
    return std::nullopt;
}

TrustedProxies::TrustedProxies(const std::vector<AddressRange>& ranges, ForwardedHeader header) : header_(header) {
    std::transform(ranges.begin(), ranges.end(), std::back_inserter(ranges_), unmapped_range);
}

bool TrustedProxies::holds(const IpAddress& address) const {
    const IpAddress plain = unmapped(address);
    return std::any_of(ranges_.begin(), ranges_.end(),
                       [&plain](const AddressRange& range) { return contains(range, plain); });
}

}  // namespace tulle::node
