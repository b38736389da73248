#include "node/protocol/pusher/auth.hpp"

#include <algorithm>

#include "mesh/base/digest.hpp"
#include "node/core/channel_name.hpp"
#include "node/core/limits.hpp"

namespace tulle::node::pusher {
namespace {

constexpr std::size_t kUsualParameters = 5;  // of a signed request with a body
constexpr std::size_t kSignatureDigits = 64;  // of HMAC-SHA256

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return static_cast<unsigned>(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return static_cast<unsigned>(c - 'a' + 10);
    }
    if (c >= 'A' && c <= 'F') {
        return static_cast<unsigned>(c - 'A' + 10);
    }
    return std::nullopt;
}

/// The signature of a token "KEY:HEX"; nothing when the key is not the app's or the rest can be no signature.
std::optional<std::string_view> signature_in(const App& app, std::string_view token) {
    const std::size_t colon = token.find(':');
    if (colon == std::string_view::npos || token.substr(0, colon) != app.key) {
        return std::nullopt;
    }
    const std::string_view signature = token.substr(colon + 1);
    return is_lower_hex(signature, kSignatureDigits) ? std::optional(signature) : std::nullopt;
}

}  // namespace

bool is_lower_hex(std::string_view text, std::size_t digits) {
    return text.size() == digits && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

bool channel_auth_is_valid(const App& app, const ChannelClaim& claim, std::string_view token) {
    const std::optional<std::string_view> signature = signature_in(app, token);
    if (!signature) {
        return false;
    }
    std::string text;
    text.append(claim.socket_id).append(":").append(claim.channel);
    if (!claim.channel_data.empty()) {
        text.append(":").append(claim.channel_data);
        if (is_valid_channel_name(std::string_view(text).substr(claim.socket_id.size() + 1))) {
            return false;  // the signature of a channel "a:b" would be one of "a" with data "b"
        }
    }
    return equal_constant_time(*signature, hmac_sha256_hex(app.secret, text));
}

bool signin_auth_is_valid(const App& app, std::string_view socket_id, std::string_view user_data, std::string_view token) {
    const std::optional<std::string_view> signature = signature_in(app, token);
    return signature && equal_constant_time(*signature, hmac_sha256_hex(app.secret, std::string(socket_id)
                                                                                        .append("::user::")
                                                                                        .append(user_data)));
}

std::optional<std::string> percent_decode(std::string_view text) {
    if (text.find('%') == std::string_view::npos) {
        return std::string(text);
    }
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded.push_back(text[i]);
            continue;
        }
        const std::optional<unsigned> high = i + 1 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
        const std::optional<unsigned> low = i + 2 < text.size() ? hex_digit(text[i + 2]) : std::nullopt;
        if (!high || !low) {
            return std::nullopt;
        }
        decoded.push_back(static_cast<char>(*high * 16 + *low));
        i += 2;
    }
    return decoded;
}

std::optional<QueryParameters> parse_query(std::string_view query) {
    if (static_cast<std::size_t>(std::count(query.begin(), query.end(), '&')) >= kMaxQueryParameters) {
        return std::nullopt;
    }
    QueryParameters parameters;
    parameters.reserve(kUsualParameters);
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const std::string_view part = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
        if (part.empty()) {
            continue;
        }
        const std::size_t equals = part.find('=');
        std::optional<std::string> name = percent_decode(part.substr(0, equals));
        std::optional<std::string> value =
            percent_decode(equals == std::string_view::npos ? std::string_view{} : part.substr(equals + 1));
        if (!name || !value) {
            return std::nullopt;
        }
        parameters.emplace_back(std::move(*name), std::move(*value));
    }
    return parameters;
}

const std::string* find_parameter(const QueryParameters& parameters, std::string_view name) {
    const auto found =
        std::find_if(parameters.begin(), parameters.end(), [name](const auto& pair) { return pair.first == name; });
    return found == parameters.end() ? nullptr : &found->second;
}

bool has_repeated(const QueryParameters& parameters, std::span<const std::string_view> names) {
    return std::any_of(names.begin(), names.end(), [&parameters](std::string_view name) {
        return std::count_if(parameters.begin(), parameters.end(), [name](const auto& pair) { return pair.first == name; }) > 1;
    });
}

}  // namespace tulle::node::pusher
