#include "node/protocol/pusher/auth.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "mesh/base/digest.hpp"
#include "node/core/channel_name.hpp"
#include "node/core/limits.hpp"

namespace tulle::node::pusher {
namespace {

constexpr std::size_t kUsualParameters = 5;  // of a signed request with a body
constexpr std::size_t kSignatureDigits = 64;  // of HMAC-SHA256
constexpr std::size_t kBodyDigestDigits = 32;  // of MD5

char lower_case(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

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

bool is_fresh(std::string_view timestamp, WallSeconds now) {
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), seconds);
    if (error != std::errc{} || end != timestamp.data() + timestamp.size() || seconds < 0) {
        return false;
    }
    const std::int64_t here = now.time_since_epoch().count();
    const std::int64_t allowed = std::chrono::duration_cast<std::chrono::seconds>(kMaxClockSkew).count();
    return seconds >= here - allowed && seconds <= here + allowed;
}

/// The parameters but the signature as "name=value", names in lower case, sorted.
std::string text_to_sign(const HttpRequest& request, const QueryParameters& parameters) {
    std::size_t size = 0;
    for (const auto& [name, value] : parameters) {
        size += name.size() + value.size() + 1;
    }
    std::string pairs;  // all of them, in the order of the query
    pairs.reserve(size);  // so that views into it stay valid
    std::vector<std::string_view> sorted;
    sorted.reserve(parameters.size());
    for (const auto& [name, value] : parameters) {
        if (name != "auth_signature") {
            const std::size_t begin = pairs.size();
            std::transform(name.begin(), name.end(), std::back_inserter(pairs), lower_case);
            pairs.append(1, '=').append(value);
            sorted.push_back(std::string_view(pairs).substr(begin));
        }
    }
    std::sort(sorted.begin(), sorted.end());
    std::string text;
    text.reserve(request.method.size() + request.path().size() + size + 2);
    text.append(request.method).append(1, '\n').append(request.path()).append(1, '\n');
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        text.append(i == 0 ? "" : "&").append(sorted[i]);
    }
    return text;
}

/// Whether the text can be a digest of so many hexadecimal digits: what cannot is refused before anything is hashed.
bool is_digest(std::string_view text, std::size_t digits) {
    return text.size() == digits && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

/// The signature of a token "KEY:HEX"; nothing when the key is not the app's or the rest can be no signature.
std::optional<std::string_view> signature_in(const App& app, std::string_view token) {
    const std::size_t colon = token.find(':');
    if (colon == std::string_view::npos || token.substr(0, colon) != app.key) {
        return std::nullopt;
    }
    const std::string_view signature = token.substr(colon + 1);
    return is_digest(signature, kSignatureDigits) ? std::optional(signature) : std::nullopt;
}

}  // namespace

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
        if (!name || !value || find_parameter(parameters, *name) != nullptr) {
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

std::optional<std::string_view> check_request_signature(const App& app, const HttpRequest& request,
                                                        const QueryParameters& parameters, WallSeconds now) {
    const std::string* key = find_parameter(parameters, "auth_key");
    const std::string* timestamp = find_parameter(parameters, "auth_timestamp");
    const std::string* version = find_parameter(parameters, "auth_version");
    const std::string* signature = find_parameter(parameters, "auth_signature");
    if (key == nullptr || timestamp == nullptr || version == nullptr || signature == nullptr) {
        return "auth_key, auth_timestamp, auth_version and auth_signature are needed";
    }
    if (*key != app.key) {
        return "auth_key is not a key of this app";
    }
    if (*version != "1.0") {
        return "auth_version must be 1.0";
    }
    if (!is_fresh(*timestamp, now)) {
        return "auth_timestamp is not within 600 seconds of this server's clock";
    }
    if (!is_digest(*signature, kSignatureDigits) ||
        !equal_constant_time(*signature, hmac_sha256_hex(app.secret, text_to_sign(request, parameters)))) {
        return "auth_signature does not match";
    }
    return std::nullopt;
}

std::optional<std::string_view> check_body_digest(const HttpRequest& request, const QueryParameters& parameters) {
    const std::string* digest = find_parameter(parameters, "body_md5");
    if (digest == nullptr) {
        return request.body.empty() ? std::nullopt : std::optional<std::string_view>("body_md5 is needed with a body");
    }
    if (!is_digest(*digest, kBodyDigestDigits) || !equal_constant_time(*digest, md5_hex(request.body))) {
        return "body_md5 does not match the body";
    }
    return std::nullopt;
}

}  // namespace tulle::node::pusher
