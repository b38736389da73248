#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/pusher/core/apps.hpp"

namespace tulle::node::pusher {

/// What a client's `auth` proves; `channel_data` exactly as received, empty for none.
struct ChannelClaim {
    std::string_view socket_id;
    std::string_view channel;
    std::string_view channel_data;
};

/// Whether `token` ("KEY:HEX") is the app's signature of the claim. Any private channel's channel_data is signed with
/// it.
[[nodiscard]] bool channel_auth_is_valid(const App& app, const ChannelClaim& claim, std::string_view token);

/// Whether `token` is the app's signature of `user_data`, exactly as received, for the connection.
[[nodiscard]] bool signin_auth_is_valid(const App& app, std::string_view socket_id, std::string_view user_data,
                                        std::string_view token);

/// Whether the text can be a digest of so many hexadecimal digits: what cannot is refused before anything is hashed.
inline constexpr std::size_t kSignatureDigits = 64;  ///< hexadecimal, of HMAC-SHA256
[[nodiscard]] bool is_lower_hex(std::string_view text, std::size_t digits);

/// The parameters of a query string, percent-decoded, in order of appearance, repeated ones included. Nothing when an
/// escape is malformed, or there are more than kMaxQueryParameters.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;
[[nodiscard]] std::optional<QueryParameters> parse_query(std::string_view query);
/// The first value of a parameter; null when absent.
[[nodiscard]] const std::string* find_parameter(const QueryParameters& parameters, std::string_view name);
/// Whether one of these names comes twice, of which readers would take different values.
[[nodiscard]] bool has_repeated(const QueryParameters& parameters, std::span<const std::string_view> names);
/// Nothing when an escape is malformed.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

}  // namespace tulle::node::pusher
