#include "node/web/ws_upgrade.hpp"

#include <optional>
#include <utility>

#include "node/edge/clock.hpp"
#include "node/web/core/date.hpp"
#include "node/web/core/deflate_offer.hpp"

namespace tulle::node {
namespace {

using Field = boost::beast::http::field;

}  // namespace

std::string joined(const UpgradeRequest& request, Field name) {
    std::string all;
    const auto [begin, end] = request.equal_range(name);
    for (auto line = begin; line != end; ++line) {
        all.append(all.empty() ? "" : ",").append(line->value().data(), line->value().size());
    }
    return all;
}

void take_offers(UpgradeRequest& request, bool deflates, UpgradeAnswer& answer) {
    constexpr Field kExtensions = Field::sec_websocket_extensions;
    std::optional<http::DeflateAgreement> agreed;
    if (deflates) {
        agreed = http::agree_on_deflate(joined(request, kExtensions));
    }
    // The gate accepts later minor versions than 1.1, which Beast does not know (RFC 9110, 2.5).
    request.version(11);
    request.set(Field::connection, "Upgrade");
    request.set(Field::upgrade, "websocket");
    // Beast must not act on fields with which the node deals by itself.
    request.erase(Field::expect);
    request.erase(kExtensions);
    if (agreed) {
        answer.extensions = std::move(agreed->text);
        answer.has_full_window = agreed->has_full_window;
    }
}

void write_answer(const UpgradeAnswer& answer, boost::beast::websocket::response_type& response) {
    response.set(Field::server, "tulle");
    response.set(Field::date, http::date_text(wall_now()));
    if (!answer.extensions.empty()) {
        response.set(Field::sec_websocket_extensions, answer.extensions);
    }
    if (!answer.subprotocol.empty()) {
        response.set(Field::sec_websocket_protocol, answer.subprotocol);
    }
}

}  // namespace tulle::node
