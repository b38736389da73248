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

/// The three parts that a client's `auth` signs. `channel_data` is the text exactly as received; empty for none. The
/// views belong to the caller.
struct ChannelClaim {
    std::string_view socket_id;
    std::string_view channel;
    std::string_view channel_data;
};

/// True when `token` ("KEY:HEX") is the app's signature of the claim. channel_data is signed whenever a client sends
/// any, also for private channels without presence.
[[nodiscard]] bool channel_auth_is_valid(const App& app, const ChannelClaim& claim, std::string_view token);

/// True when `token` ("KEY:HEX") is the app's signature of `user_data`, exactly as received, for the connection
/// `socket_id`.
[[nodiscard]] bool signin_auth_is_valid(const App& app, std::string_view socket_id, std::string_view user_data,
                                        std::string_view token);

/// Hexadecimal digits of an HMAC-SHA256.
inline constexpr std::size_t kSignatureDigits = 64;
/// True when `text` has exactly `digits` hexadecimal digits in lower case. Text of another form can be no digest and is
/// refused before anything is hashed.
[[nodiscard]] bool is_lower_hex(std::string_view text, std::size_t digits);

/// Names and values of a query string, percent-decoded, in order of appearance, repeated names included.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;
/// The parameters of a query string without the question mark; empty parts are skipped. '+' stays '+'. Nothing when an
/// escape is malformed, or when the query has more than kMaxQueryParameters parts.
[[nodiscard]] std::optional<QueryParameters> parse_query(std::string_view query);
/// The first value of a parameter; null when absent. Valid as long as `parameters` are not changed.
[[nodiscard]] const std::string* find_parameter(const QueryParameters& parameters, std::string_view name);
/// True when any of these names comes twice: readers of a query would take different values.
[[nodiscard]] bool has_repeated(const QueryParameters& parameters, std::span<const std::string_view> names);
/// `text` without its percent escapes. Nothing when an escape is malformed.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

}  // namespace tulle::node::pusher
