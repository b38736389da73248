#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/web/core/gate.hpp"

namespace tulle::node::http {

/// The fields of a request that tell where the request comes from. A field without a value is absent from the request.
struct Provenance {
    std::optional<std::string_view> host;
    std::optional<std::string_view> origin;
    /// Sec-Fetch-Site. No script of a page can set this field.
    std::optional<std::string_view> fetch_site;
    std::optional<std::string_view> content_type;
    bool is_post = false;
};

/// Keeps web pages away from a listener that trusts everybody with access to its port.
///
/// A page can make its visitor's browser send requests to the visitor's own machine and network:
/// - A page can read the answers when the page's own name resolves to such an address (DNS rebinding). Host is then the
///   name of the page.
/// - A page can send "simple" requests without being allowed to read the answers. Origin or Sec-Fetch-Site is then
///   foreign, or, in old browsers, the content type is a type that forms have.
///
/// Programs, on the other hand, name an address or a known name in Host, and send no Origin. A request without Host is
/// a request of HTTP/1.0, as the checks of load balancers send, and comes from no browser.
///
/// Thread: any, once constructed.
/// Errors: refuse() returns the answer to give.
class PageGuard {
public:
    /// `names`: the names of the listener besides localhost and all IP addresses, without ports, in upper or lower
    /// case.
    explicit PageGuard(const std::vector<std::string>& names);

    /// Returns nothing when the request may pass; otherwise the refusal to answer with: 403 for a foreign Host, Origin
    /// or Sec-Fetch-Site, 415 for a POST with another content type than JSON.
    [[nodiscard]] std::optional<Refusal> refuse(const Provenance& provenance) const;

private:
    /// True for localhost, an IP address, and a name in `names_`. REQUIRES: `host` is in lower case and has no port.
    [[nodiscard]] bool is_known(std::string_view host) const;

    /// In lower case, because names are compared without regard to case.
    std::vector<std::string> names_;
};

}  // namespace tulle::node::http
