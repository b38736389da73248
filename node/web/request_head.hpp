#pragma once

#include "node/core/peer_address.hpp"
#include "node/web/core/http_message.hpp"
#include "node/web/http_service.hpp"

namespace tulle::node {

/// The head of a request in the form in which the pure parts of a node see requests, without the body. `peer`: the
/// client's address. `is_traced`: the field traceparent is taken too.
[[nodiscard]] HttpRequest request_head(const UpgradeRequest& request, PeerAddress peer, bool is_traced);

}  // namespace tulle::node
