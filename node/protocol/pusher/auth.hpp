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

/// The parameters of a query string, percent-decoded, in order of appearance. Nothing when an escape is malformed or a
/// name comes twice.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;
[[nodiscard]] std::optional<QueryParameters> parse_query(std::string_view query);
/// The value of a parameter; null when absent.
[[nodiscard]] const std::string* find_parameter(const QueryParameters& parameters, std::string_view name);
/// Nothing when an escape is malformed.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

/// Checks a request's signature by the app named in its path: key, version, age, body digest, signature.
/// Returns the reason for refusal (static text), or nothing when the request is authentic.
[[nodiscard]] std::optional<std::string_view> check_request_auth(const App& app, const HttpRequest& request,
                                                                 const QueryParameters& parameters, WallSeconds now);

}  // namespace tulle::node::pusher
