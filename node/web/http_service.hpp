#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "node/core/slot.hpp"
#include "node/edge/connection.hpp"
#include "node/edge/node_limits.hpp"
#include "node/web/core/http_message.hpp"

namespace tulle::node {

/// Names a request that waits for its answer (HttpRoom::respond).
struct HttpTicket {
    Slot slot;
    std::uint64_t serial = 0;  ///< unique in the process; never 0
};

using UpgradeRequest = boost::beast::http::request<boost::beast::http::string_body>;

/// What answers the requests of a listener. Called on the reactor's thread.
class HttpService {
public:
    HttpService() = default;
    HttpService(const HttpService&) = delete;
    HttpService& operator=(const HttpService&) = delete;
    virtual ~HttpService() = default;

    /// Any request, by its head, before anything else is done about it. False: as on_head, and the body is not read.
    [[nodiscard]] virtual bool admit(const UpgradeRequest&, HttpResponse&) { return true; }
    /// Bytes that the body of a request to `target` may have; one that has more gets 413.
    [[nodiscard]] virtual std::size_t max_body(std::string_view target) const = 0;
    /// The head of a request whose body has not come whole. True: the body is read, and on_request follows. False:
    /// `refusal` has been filled in, the body is not read, and the connection ends after the answer.
    [[nodiscard]] virtual bool on_head(const HttpRequest& head, HttpResponse& refusal) = 0;
    /// Answers at once or later, exactly once.
    virtual void on_request(HttpTicket ticket, HttpRequest request) = 0;
    /// False: offers to begin a WebSocket are ignored (RFC 9110, 7.8), so that on_upgrade is never called.
    [[nodiscard]] virtual bool has_websockets() const { return true; }
    /// A correct WebSocket upgrade. True: `socket` and `peer` have been taken over. False: `refusal` has been filled
    /// in.
    [[nodiscard]] virtual bool on_upgrade(Socket& socket, Peer& peer, UpgradeRequest& request,
                                          HttpResponse& refusal) = 0;
};

}  // namespace tulle::node
