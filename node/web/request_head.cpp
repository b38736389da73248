#include "node/web/request_head.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

namespace tulle::node {

HttpRequest request_head(const UpgradeRequest& request, PeerAddress peer, bool is_traced) {
    // As long as version 00 of the field, and one byte more, which tells a longer value from a whole one.
    constexpr std::size_t kMostOfTraceparent = 56;
    HttpRequest head;
    head.method = std::string(request.method_string());
    head.target = std::string(request.target());
    head.peer = std::move(peer);
    if (request.method() == boost::beast::http::verb::options) {
        head.wanted_headers = std::string(request[boost::beast::http::field::access_control_request_headers]);
        head.wants_private_network = request["Access-Control-Request-Private-Network"] == "true";
    }
    if (is_traced) {
        // A field that stands twice has no certain value.
        const auto [begin, end] = request.equal_range("traceparent");
        if (begin != end && std::next(begin) == end) {
            const boost::beast::string_view value = begin->value();
            head.traceparent.assign(value.data(), std::min(value.size(), kMostOfTraceparent));
        }
    }
    return head;
}

}  // namespace tulle::node
