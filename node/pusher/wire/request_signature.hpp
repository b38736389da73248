#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mesh/base/result.hpp"
#include "mesh/base/time.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/wire/auth.hpp"
#include "node/web/core/http_message.hpp"

/// Signatures of requests to the HTTP API, as made by the SDKs and by the HTTP libraries below the SDKs.
namespace tulle::node::pusher {

/// Why a request is not accepted.
struct Unauthentic {
    unsigned status = 401;
    std::string reason;
    /// The signature is the app's: only the clock is wrong, and nobody is guessing signatures.
    bool is_signed = false;
};

/// Checks a request's signature for `app`, the app named in the path: key, version, signature, age. Cheap checks come
/// first. The body is not looked at, and may still be on its way: the signature covers the body by its digest alone,
/// see check_body_digest(). `now` is the wall clock. Returns the signed parameters with names in lower case, in the
/// meaning that the signer has signed.
///
/// An SDK signs a path and parameters as the SDK knows them, and an HTTP library writes the target of the request. So a
/// signature is right when it is the signature of any text of which the target is a rendering:
/// - the path as sent, without its escapes, or with escapes for all characters in need of an escape, for the characters
///   escaped by encodeURIComponent, or for all but letters, digits, - _ . ~; escapes with the digits A-F or a-f
///   throughout (RFC 3986, 6.2.2.1), or as sent.
/// - parameters without escapes, `+` read as itself or as a space, sorted by name, by "name=value", or in the order of
///   the query, with names in lower case or as sent.
/// A text from which another request could be read is not accepted: a decoded path with a further escape or a slash
/// more, a value that holds a parameter of the protocol ("&info="), or a value of a protocol parameter with an
/// ampersand.
///
/// Cost:   distinct texts are hashed until their lengths add up to kMaxSignedTextBytes; the first text is always
///         hashed.
/// Errors: 400 for a query that cannot be read or is ambiguous; 401 for all other faults.
[[nodiscard]] Result<QueryParameters, Unauthentic> authenticate(const App& app, const HttpRequest& request,
                                                                WallSeconds now);

/// The text of which auth_signature must be the HMAC-SHA256 under the app's secret, as an SDK makes it: the method, the
/// path and the sorted parameters, in three lines. For people; holds no secret. Empty for a query that cannot be read.
[[nodiscard]] std::string text_to_sign(const HttpRequest& request);

/// Checks that the body is the signed body. `parameters` come from authenticate(). REQUIRES: the signature of the head
/// is right, as a stranger must not make the node hash a body. Returns the reason for refusal (static text), or
/// nothing.
[[nodiscard]] std::optional<std::string_view> check_body_digest(const HttpRequest& request,
                                                                const QueryParameters& parameters);

}  // namespace tulle::node::pusher
