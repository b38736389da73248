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

/// Names a request that waits for its answer (HttpRoom::respond). The serial number keeps a late answer from reaching
/// another request that has the slot by then.
struct HttpTicket {
    Slot slot;
    /// Unique in the process; never 0.
    std::uint64_t serial = 0;
};

/// A request in the type of Beast: an upgrade, and in admit() any request.
using UpgradeRequest = boost::beast::http::request<boost::beast::http::string_body>;

/// Answers the requests of a listener. For each request an HttpConnection calls admit; then on_upgrade for a WebSocket,
/// otherwise max_body if a body is to come, then on_head if the body has not come whole, then on_request.
///
/// Thread: called on the reactor's thread.
/// Ownership: the service outlives its connections.
/// Errors: an exception from any of the functions ends the connection (Reactor::guard).
class HttpService {
public:
    HttpService() = default;
    HttpService(const HttpService&) = delete;
    HttpService& operator=(const HttpService&) = delete;
    virtual ~HttpService() = default;

    /// Decides about any request of `peer` by its head, before anything else is done about the request. True: the
    /// request goes on. False: the response has been filled in and is sent, the body is not read, and the connection
    /// ends after the answer.
    [[nodiscard]] virtual bool admit(const UpgradeRequest&, const Peer&, HttpResponse&) { return true; }
    /// Bytes that the body of a request to `target` may have. A request with a larger body gets 413.
    [[nodiscard]] virtual std::size_t max_body(std::string_view target) const = 0;
    /// Decides about a request by its head while the body is still to come. True: the body is read, and on_request
    /// follows. False: `refusal` has been filled in, the body is not read, and the connection ends after the answer.
    [[nodiscard]] virtual bool on_head(const HttpRequest& head, HttpResponse& refusal) = 0;
    /// Handles a whole request. The service answers exactly once, at once or later, by HttpRoom::respond with `ticket`.
    /// An answer after kHttpAnswerTimeout finds nobody waiting.
    virtual void on_request(HttpTicket ticket, HttpRequest request) = 0;
    /// True: HttpRequest::traceparent is filled in.
    [[nodiscard]] virtual bool wants_traceparent() const { return false; }
    /// False: offers to begin a WebSocket are ignored (RFC 9110, 7.8), and on_upgrade is never called.
    [[nodiscard]] virtual bool has_websockets() const { return true; }
    /// Handles a correct WebSocket upgrade. True: the service has taken over `socket` and `peer`. False: `refusal` has
    /// been filled in, and the connection ends after the answer.
    [[nodiscard]] virtual bool on_upgrade(Socket& socket, Peer& peer, UpgradeRequest& request,
                                          HttpResponse& refusal) = 0;
};

}  // namespace tulle::node
