#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/web/core/gate.hpp"

namespace tulle::node::http {

/// What a request says of where it comes from; nothing for a field that is absent.
struct Provenance {
    std::optional<std::string_view> host;
    std::optional<std::string_view> origin;
    std::optional<std::string_view> fetch_site;  ///< Sec-Fetch-Site, which no script can set
    std::optional<std::string_view> content_type;
    bool is_post = false;
};

/// Keeps web pages away from a listener that trusts whoever can reach it.
///
/// A page can make its visitor's browser send requests to the visitor's own machine and network. It can read the
/// answers when its own name resolves to such an address (DNS rebinding): then Host is the page's name. It can send
/// "simple" requests without being allowed to read: then Origin or Sec-Fetch-Site is foreign, or, in old browsers, the
/// content type is one that a form has. Programs name an address or a name that is known here, and no origin. A request
/// without Host is of HTTP/1.0, as the checks of load balancers are, and of no browser.
class PageGuard {
public:
    /// `names`: what the listener is called besides localhost and all IP addresses, without ports.
    explicit PageGuard(const std::vector<std::string>& names);

    /// Why the request is refused (403, or 415); nothing when it may pass.
    [[nodiscard]] std::optional<Refusal> refuse(const Provenance& provenance) const;

private:
    [[nodiscard]] bool is_known(std::string_view host) const;

    std::vector<std::string> names_;  ///< in lower case
};

}  // namespace tulle::node::http
