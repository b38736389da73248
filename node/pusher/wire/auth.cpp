#include "node/pusher/wire/auth.hpp"

#include <algorithm>
#include <array>

#include "mesh/base/digest.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/core/limits.hpp"

namespace tulle::node::pusher {
namespace {

/// Parameters of a signed request with a body: auth_key, auth_timestamp, auth_version, auth_signature, body_md5.
constexpr std::size_t kUsualParameters = 5;

/// A table by byte.
constexpr auto kIsLowerHex = [] {
    std::array<bool, 256> is{};
    for (const char c : std::string_view("0123456789abcdef")) {
        is[static_cast<unsigned char>(c)] = true;
    }
    return is;
}();

/// The value of a hexadecimal digit of either case; nothing for another character.
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

/// The signature in a token "KEY:HEX". Nothing when the key is not the app's, or when the rest can be no signature.
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
    return text.size() == digits &&
           std::all_of(text.begin(), text.end(), [](char c) { return kIsLowerHex[static_cast<unsigned char>(c)]; });
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
            // Without this check, the signature of a channel "a:b" would also be a signature of the channel "a" with
            // the data "b": a client with access to "a:b" could get into "a".
            return false;
        }
    }
    return equal_constant_time(*signature, hmac_sha256_hex(app.secret, text));
}

bool signin_auth_is_valid(const App& app, std::string_view socket_id, std::string_view user_data,
                          std::string_view token) {
    const std::optional<std::string_view> signature = signature_in(app, token);
    return signature &&
           equal_constant_time(
               *signature, hmac_sha256_hex(app.secret, std::string(socket_id).append("::user::").append(user_data)));
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
    const bool has_escapes = query.find('%') != std::string_view::npos;
    std::size_t ampersands = 0;
    QueryParameters parameters;
    parameters.reserve(kUsualParameters);
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const std::string_view part = query.substr(0, end);
        // Counted before the part is decoded, so that a query without end costs no more than a query at the limit.
        if (end != std::string_view::npos && ++ampersands == kMaxQueryParameters) {
            return std::nullopt;
        }
        query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
        if (part.empty()) {
            continue;
        }
        const std::size_t equals = part.find('=');
        const std::string_view sent_name = part.substr(0, equals);
        const std::string_view sent_value =
            equals == std::string_view::npos ? std::string_view{} : part.substr(equals + 1);
        // The usual query has no escapes, and is spared the decoding.
        if (!has_escapes) {
            parameters.emplace_back(sent_name, sent_value);
            continue;
        }
        std::optional<std::string> name = percent_decode(sent_name);
        std::optional<std::string> value = percent_decode(sent_value);
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
    for (auto later = parameters.begin(); later != parameters.end(); ++later) {
        const std::string& name = later->first;
        const bool has_come =
            std::any_of(parameters.begin(), later, [&name](const auto& pair) { return pair.first == name; });
        // The rare question comes last: names repeat seldom.
        if (has_come && std::find(names.begin(), names.end(), name) != names.end()) {
            return true;
        }
    }
    return false;
}

}  // namespace tulle::node::pusher
