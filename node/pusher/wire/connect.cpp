#include "node/pusher/wire/connect.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "node/pusher/wire/auth.hpp"

namespace tulle::node::pusher {
namespace {

/// Of the version of a client library; a longer text is no version.
constexpr std::size_t kMaxVersionBytes = 64;
/// Begins the target of every WebSocket of the Pusher protocol.
constexpr std::string_view kPath = "/app/";
/// Name of the sub-protocol in Sec-WebSocket-Protocol, without its version.
constexpr std::string_view kSubprotocol = "pusher-channels-protocol-";
/// All versions so far are single digits; a number of more than three digits is no version.
constexpr std::size_t kMaxVersionDigits = 3;
/// The parameters that admit() looks at.
constexpr std::string_view kParameters[] = {"protocol", "version"};

/// The form of a library's version: a digit first, then letters, digits and . - + _ .
bool is_version(std::string_view text) {
    return !text.empty() && text.size() <= kMaxVersionBytes && text.front() >= '0' && text.front() <= '9' &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
                      c == '-' || c == '+' || c == '_';
           });
}

Admission turn_away(std::uint16_t code, std::string_view reason) {
    return {nullptr, code, reason};
}

/// Versions 5 to 7 differ for a server only in the way of telling errors, and Tulle uses both ways.
bool is_supported(std::string_view protocol) {
    return protocol == "7" || protocol == "6" || protocol == "5";
}

/// The version named by a sub-protocol; nothing for a sub-protocol of another name.
std::optional<std::string_view> version_of_subprotocol(std::string_view name) {
    if (!name.starts_with(kSubprotocol)) {
        return std::nullopt;
    }
    const std::string_view version = name.substr(kSubprotocol.size());
    const bool is_number = !version.empty() && version.size() <= kMaxVersionDigits &&
                           std::all_of(version.begin(), version.end(), [](char c) { return c >= '0' && c <= '9'; });
    return is_number ? std::optional(version) : std::nullopt;
}

}  // namespace

std::string_view choose_subprotocol(std::string_view offered) {
    std::string_view first;
    while (!offered.empty()) {
        const std::size_t comma = std::min(offered.find(','), offered.size());
        std::string_view name = offered.substr(0, comma);
        offered.remove_prefix(std::min(comma + 1, offered.size()));
        // Spaces and tabs around an element of a list do not count (RFC 9110, 5.6.1).
        name.remove_prefix(std::min(name.find_first_not_of(" \t"), name.size()));
        name = name.substr(0, name.find_last_not_of(" \t") + 1);
        const std::optional<std::string_view> version = version_of_subprotocol(name);
        if (version && is_supported(*version)) {
            return name;
        }
        if (version && first.empty()) {
            first = name;
        }
    }
    return first;
}

Admission admit(const AppTable& apps, std::string_view target) {
    const std::size_t mark = target.find('?');
    const std::string_view path = target.substr(0, mark);
    const std::optional<QueryParameters> parameters =
        parse_query(mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1));
    if (!path.starts_with(kPath) || path.size() == kPath.size() ||
        path.find('/', kPath.size()) != std::string_view::npos || !parameters ||
        has_repeated(*parameters, kParameters)) {
        return turn_away(4005, "Path not found: connect to /app/KEY");
    }
    // The first failing check names the refusal: path, protocol, version, app.
    const std::string* protocol = find_parameter(*parameters, "protocol");
    if (protocol == nullptr || protocol->empty()) {
        return turn_away(4008, "No protocol version supplied");
    }
    if (!is_supported(*protocol)) {
        return turn_away(4007, "Unsupported protocol version");
    }
    const std::string* version = find_parameter(*parameters, "version");
    if (version != nullptr && !is_version(*version)) {
        return turn_away(4006, "Invalid version string format");
    }
    const App* app = app_of_target(apps, target);
    if (app == nullptr) {
        return turn_away(kAppUnknown, kAppUnknownText);
    }
    if (!app->enabled) {
        return turn_away(kAppDisabled, kAppDisabledText);
    }
    return {app, 0, {}};
}

bool is_client_target(std::string_view path) {
    return path.starts_with(kPath);
}

const App* app_of_target(const AppTable& apps, std::string_view target) {
    const std::string_view path = target.substr(0, target.find('?'));
    if (!path.starts_with(kPath)) {
        return nullptr;
    }
    const std::optional<std::string> key = percent_decode(path.substr(kPath.size()));
    return key ? apps.find_by_key(*key) : nullptr;
}

}  // namespace tulle::node::pusher
