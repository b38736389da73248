#pragma once

#include <string>

#include <boost/beast/http/field.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "node/web/http_service.hpp"

namespace tulle::node {

/// The parts of the answer to an upgrade that Beast does not add by itself.
struct UpgradeAnswer {
    /// The value of Sec-WebSocket-Protocol; empty for no such field.
    std::string subprotocol{};
    /// The value of Sec-WebSocket-Extensions; empty for no such field.
    std::string extensions{};
    /// True when `extensions` names compression with a window of 32 KiB at the client (DeflateAgreement).
    bool has_full_window = false;
};

/// The values of all lines of the field `name`, joined by commas to a single list (RFC 9110, 5.3).
[[nodiscard]] std::string joined(const UpgradeRequest& request, boost::beast::http::field name);

/// Prepares `request` for Beast, and fills `answer.extensions` and `answer.has_full_window`.
/// - With `deflates`, an acceptable offer of compression is taken up.
/// - The fields of the upgrade are set to single plain values, because Beast sees only the first line of a field, while
///   the gate reads all lines.
///
/// REQUIRES: the gate has accepted the request as an upgrade.
void take_offers(UpgradeRequest& request, bool deflates, UpgradeAnswer& answer);

/// Writes the fields of `answer`, and Server and Date, into the 101 answer of Beast.
void write_answer(const UpgradeAnswer& answer, boost::beast::websocket::response_type& response);

}  // namespace tulle::node
