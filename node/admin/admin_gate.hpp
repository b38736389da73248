#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/time.hpp"
#include "node/admin/admin_counters.hpp"
#include "node/admin/admin_tokens.hpp"
#include "node/core/address_limits.hpp"
#include "node/core/peer_address.hpp"
#include "node/web/core/http_message.hpp"
#include "node/web/core/page_guard.hpp"
#include "node/web/http_service.hpp"

namespace tulle::node {

/// Wrong tokens of an address in a minute. Further wrong tokens get 429 instead of 401. A right token is accepted
/// whatever came from the address before, so that nobody can lock an operator out. Private addresses and loopback are
/// counted too, because a listener off loopback mostly stands in a private network.
inline constexpr std::size_t kAdminTokenFailuresPerMinute = 10;

/// Decides by the head of a request whether the admin listener serves the request. First web pages are kept away
/// (http::PageGuard); then, if the listener has tokens, the request needs a token with the scope of its path.
///
/// Thread: the listener's.
/// Limits: kAdminTokenFailuresPerMinute for each address; addresses as AuthThrottle remembers them.
/// Errors: decide() returns the answer to give: 403 for a page, 415 for a POST of another content type than JSON, 401
///         for a missing or wrong token, 429 for one wrong token too many, 403 for a token without the scope.
class AdminGate {
public:
    /// `names`: host names of the listener besides localhost and IP addresses. `counters` must outlive the gate.
    AdminGate(const std::vector<std::string>& names, AdminCounters& counters);

    /// Replaces the tokens. Without any token every request that no page has made may pass.
    void set_tokens(const std::vector<AdminToken>& tokens);

    /// What becomes of a request.
    struct Decision {
        /// The answer to give instead of serving the request; nothing: the request may pass.
        std::optional<HttpResponse> refusal;
        /// The scope that the request's path needs.
        AdminScope needed = AdminScope::kNone;
        /// The name of the request's token; empty without a token.
        std::string token{};
    };
    /// `peer`: the address of the sender.
    [[nodiscard]] Decision decide(const UpgradeRequest& request, const PeerAddress& peer, Instant now);

private:
    /// The answer to a request that a page may have made.
    [[nodiscard]] std::optional<HttpResponse> refuse_page(const UpgradeRequest& request) const;
    /// The answer to a request with a wrong token.
    [[nodiscard]] HttpResponse refuse_token(const PeerAddress& peer, Instant now);

    const http::PageGuard page_guard_;
    AdminCounters& counters_;
    AdminTokens tokens_;
    AuthThrottle throttle_;
};

}  // namespace tulle::node
