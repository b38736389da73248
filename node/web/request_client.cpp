#include "node/web/request_client.hpp"

#include <array>
#include <cstddef>
#include <string_view>

#include "node/web/core/forwarded.hpp"
#include "node/web/core/limits.hpp"

namespace tulle::node {

std::optional<IpAddress> request_client(const UpgradeRequest& request, const Peer& peer) {
    if (!peer.is_proxy()) {
        return std::nullopt;
    }
    const bool is_rfc = peer.proxies().header() == ForwardedHeader::kForwarded;
    const auto [begin, end] = request.equal_range(is_rfc ? "Forwarded" : "X-Forwarded-For");
    // The gate lets no more fields than these pass.
    std::array<std::string_view, kMaxHeaderFields> lines;
    std::size_t count = 0;
    for (auto field = begin; field != end && count < lines.size(); ++field) {
        lines[count++] = {field->value().data(), field->value().size()};
    }
    return http::forwarded_client({lines.data(), count}, peer.proxies());
}

}  // namespace tulle::node
