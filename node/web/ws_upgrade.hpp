#pragma once

#include <string>

#include <boost/beast/http/field.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "node/web/http_service.hpp"

namespace tulle::node {

/// What the answer to an upgrade says beside what Beast puts into it.
struct UpgradeAnswer {
    std::string subprotocol{};     ///< empty for none
    std::string extensions{};      ///< empty for none
    bool has_full_window = false;  ///< of the compression that is among those
};

/// The values of all lines of a field, as one list (RFC 9110, 5.3).
[[nodiscard]] std::string joined(const UpgradeRequest& request, boost::beast::http::field name);

/// Takes up what the request offers of compression, if the node `deflates`, and makes the request one that Beast reads
/// as the gate has read it: of a field on several lines, Beast sees the first one alone.
void take_offers(UpgradeRequest& request, bool deflates, UpgradeAnswer& answer);

void write_answer(const UpgradeAnswer& answer, boost::beast::websocket::response_type& response);

}  // namespace tulle::node
