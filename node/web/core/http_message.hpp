#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/core/peer_address.hpp"

namespace tulle::node {

/// A checked HTTP request as the pure parts see it.
struct HttpRequest {
    std::string method;
    std::string target;  ///< origin form: path, and query if any; or "*"
    std::string body;
    PeerAddress peer = {};  ///< who sent it, as far as TCP knows
    /// Of a preflight, which asks whether a page of another origin may send a request (Access-Control-Request-*).
    std::string wanted_headers = {};     ///< that the request will have, separated by commas
    bool wants_private_network = false;  ///< the page is on a public network, and this node is not

    [[nodiscard]] std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
    [[nodiscard]] std::string_view query() const {
        const std::size_t mark = target.find('?');
        return mark == std::string::npos ? std::string_view{} : std::string_view(target).substr(mark + 1);
    }
};

struct HttpResponse {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
    bool close = false;     ///< the connection ends after it
    bool is_guess = false;  ///< of a 401: the request bears no right signature, as when somebody guesses

    friend bool operator==(const HttpResponse&, const HttpResponse&) = default;
};

}  // namespace tulle::node
