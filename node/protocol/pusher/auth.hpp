#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/time.hpp"
#include "node/core/apps.hpp"
#include "node/core/http_message.hpp"

namespace tulle::node::pusher {

/// What a client's `auth` proves; `channel_data` exactly as received, empty for none.
struct ChannelClaim {
    std::string_view socket_id;
    std::string_view channel;
    std::string_view channel_data;
};

/// Whether `token` ("KEY:HEX") is the app's signature of the claim. Any private channel's channel_data is signed with it.
[[nodiscard]] bool channel_auth_is_valid(const App& app, const ChannelClaim& claim, std::string_view token);

/// Whether `token` is the app's signature of `user_data`, exactly as received, for the connection.
[[nodiscard]] bool signin_auth_is_valid(const App& app, std::string_view socket_id, std::string_view user_data,
                                        std::string_view token);

/// The parameters of a query string, percent-decoded, in order of appearance. Nothing when an escape is malformed, a name comes
/// twice, or there are more than kMaxQueryParameters.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;
[[nodiscard]] std::optional<QueryParameters> parse_query(std::string_view query);
/// The value of a parameter; null when absent.
[[nodiscard]] const std::string* find_parameter(const QueryParameters& parameters, std::string_view name);
/// Nothing when an escape is malformed.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

/// Checks a request's signature by the app named in its path: key, version, age, signature. What is cheap to check comes first,
/// and the body, which the signature covers by its digest alone, is not looked at: it may be still to come.
/// Returns the reason for refusal (static text), or nothing when the head of the request is authentic.
[[nodiscard]] std::optional<std::string_view> check_request_signature(const App& app, const HttpRequest& request,
                                                                      const QueryParameters& parameters, WallSeconds now);

/// Checks that the body is the one that was signed. REQUIRES: the signature of the head is right, as hashing a body is
/// work that a stranger must not cause. Returns as above.
[[nodiscard]] std::optional<std::string_view> check_body_digest(const HttpRequest& request, const QueryParameters& parameters);

}  // namespace tulle::node::pusher
