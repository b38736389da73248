#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "node/core/ip_address.hpp"
#include "node/core/trusted_proxies.hpp"

namespace tulle::node::http {

/// The client of a request that came from a trusted proxy, by the lines of the header that the proxies write
/// (TrustedProxies::header), in the order of the request.
///
/// Each proxy adds the address that its request came from at the end. So the list is read from its end, as long as the
/// addresses are those of trusted proxies: the first other address is the client's. Everything before that address may
/// have been written by the client, and is not looked at. A list of trusted proxies alone gives the address at its
/// beginning.
///
/// Nothing when the last entry is no address ("unknown", "_hidden", an IPv6 address with a zone, garbage), or when
/// there is no entry. When such an entry comes after addresses of trusted proxies, the result is the last of these: the
/// proxy that hides its client.
///
/// Thread: any; the function keeps no state.
/// Limits: kMaxForwardedHops entries; of a longer chain of trusted proxies the result is the last proxy looked at.
[[nodiscard]] std::optional<IpAddress> forwarded_client(std::span<const std::string_view> lines,
                                                        const TrustedProxies& proxies);

}  // namespace tulle::node::http
