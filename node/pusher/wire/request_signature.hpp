#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mesh/base/result.hpp"
#include "mesh/base/time.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/wire/auth.hpp"
#include "node/web/core/http_message.hpp"

/// Signatures of requests to the HTTP API, as the SDKs and the HTTP libraries below them make them.
namespace tulle::node::pusher {

struct Unauthentic {
    unsigned status = 401;
    std::string reason;
    bool is_signed = false;  ///< by the app's secret: what is wrong is the clock, and nobody is guessing
};

/// Checks a request's signature by the app named in its path: key, version, signature, age. What is cheap to check
/// comes first, and the body, which the signature covers by its digest alone, is not looked at: it may be still to
/// come. Returns the parameters that were signed, with their names in lower case: what they say is what the signer has
/// signed.
///
/// SDKs sign a path and parameters as they know them, and leave it to an HTTP library to write a target of these. So a
/// signature is right when it is that of any text that the target is a rendering of:
/// - the path as it was sent, without its escapes, or with escapes for all that needs one, for what encodeURIComponent
///   escapes, or for all but letters, digits, - _ . ~; escapes with the digits A-F or a-f throughout (RFC 3986,
///   6.2.2.1), or as they were sent
/// - parameters without escapes, `+` read as itself or as a space, sorted by name, by "name=value", or in the order of
///   the query, with names in lower case or as they were sent.
/// No text is accepted from which another request could be read: a decoded path that still holds an escape or has got a
/// slash more, a value that holds a parameter of the protocol ("&info="), or one of such a parameter that holds an
/// ampersand.
/// Cost: of texts that differ, so many are hashed as come to kMaxSignedTextBytes together, and the first one in any
/// case.
[[nodiscard]] Result<QueryParameters, Unauthentic> authenticate(const App& app, const HttpRequest& request,
                                                                WallSeconds now);

/// Checks that the body is the one that was signed. REQUIRES: the signature of the head is right, as hashing a body is
/// work that a stranger must not cause. Returns the reason for refusal (static text), or nothing.
[[nodiscard]] std::optional<std::string_view> check_body_digest(const HttpRequest& request,
                                                                const QueryParameters& parameters);

}  // namespace tulle::node::pusher
