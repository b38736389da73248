#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/core/peer_address.hpp"

namespace tulle::node {

/// A checked HTTP request, in the form in which the pure parts of a node see a request.
struct HttpRequest {
    std::string method;
    /// Origin form: the path, and the query if any; or "*".
    std::string target;
    std::string body;
    /// The client's address, as far as known: behind a trusted proxy the address that the proxy names, otherwise the
    /// sender's.
    PeerAddress peer = {};
    /// The beginning of the field of that name, for a service that wants to know; otherwise empty.
    std::string traceparent = {};
    /// The next two fields are set for a preflight alone. A preflight asks whether a page of another origin may send a
    /// request (Access-Control-Request-*).
    /// Names of the header fields that the page's request will have, separated by commas.
    std::string wanted_headers = {};
    /// True when the page is on a public network and this node is on a private network.
    bool wants_private_network = false;

    /// The target up to the first "?", valid as long as `target` is unchanged.
    [[nodiscard]] std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
    /// The text after the first "?"; empty without a query. Valid as long as `target` is unchanged.
    [[nodiscard]] std::string_view query() const {
        const std::size_t mark = target.find('?');
        return mark == std::string::npos ? std::string_view{} : std::string_view(target).substr(mark + 1);
    }
};

/// The answer to a request. The fields Date, Server, Content-Type, Content-Length and Connection are added when the
/// answer is written (response_bytes).
struct HttpResponse {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    /// Further header fields, as name and value. Neither may hold a line break: the texts are written as given.
    std::vector<std::pair<std::string, std::string>> headers;
    /// True when the connection ends after the answer.
    bool close = false;
    /// True for a 401 to a request without a correct signature: perhaps somebody guesses the secret.
    bool is_guess = false;

    friend bool operator==(const HttpResponse&, const HttpResponse&) = default;
};

}  // namespace tulle::node
