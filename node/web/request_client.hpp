#pragma once

#include <optional>

#include "node/core/ip_address.hpp"
#include "node/edge/node_limits.hpp"
#include "node/web/http_service.hpp"

namespace tulle::node {

/// The client of a request over a connection of `peer`, when `peer` is a trusted proxy: the client that the proxies
/// name in the header of the request (http::forwarded_client). Nothing for a connection of anybody else: the headers of
/// others are not looked at.
[[nodiscard]] std::optional<IpAddress> request_client(const UpgradeRequest& request, const Peer& peer);

}  // namespace tulle::node
