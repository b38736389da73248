#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "node/core/ip_address.hpp"

namespace tulle::node {

/// The header of HTTP in which the trusted proxies name the client. A node reads a single header: a proxy writes one of
/// them, and passes the other on as the client wrote it.
enum class ForwardedHeader : std::uint8_t {
    /// X-Forwarded-For.
    kXForwardedFor,
    /// Forwarded (RFC 7239).
    kForwarded,
};

/// Reads the value of the option: "x-forwarded-for" or "forwarded". Returns nothing for any other text.
[[nodiscard]] std::optional<ForwardedHeader> forwarded_header_of(std::string_view text);

/// The proxies whose word about a client's address is taken. By default there are none.
///
/// Thread: any; the object never changes.
class TrustedProxies {
public:
    TrustedProxies() = default;
    /// A range of IPv4 addresses in IPv6 form (::ffff:10.0.0.0/104) counts as the range of IPv4.
    explicit TrustedProxies(const std::vector<AddressRange>& ranges,
                            ForwardedHeader header = ForwardedHeader::kXForwardedFor);

    [[nodiscard]] bool empty() const { return ranges_.empty(); }
    [[nodiscard]] ForwardedHeader header() const { return header_; }
    /// True for the address of a trusted proxy. An IPv4 address in IPv6 form counts as the IPv4 address.
    [[nodiscard]] bool holds(const IpAddress& address) const;
    friend bool operator==(const TrustedProxies&, const TrustedProxies&) = default;

private:
    std::vector<AddressRange> ranges_;
    ForwardedHeader header_ = ForwardedHeader::kXForwardedFor;
};

}  // namespace tulle::node
