// Everything is read from the right, quotes included: the text to the left of an entry comes from somebody farther away
// from the node, and nothing there, such as a quote without an end, may change how the entry itself is read.

#include "node/web/core/forwarded.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "node/web/core/characters.hpp"
#include "node/web/core/limits.hpp"

namespace tulle::node::http {
namespace {

// A port of a node in Forwarded may be a made-up name that begins with "_" (RFC 7239, 6.3).
constexpr std::size_t kMaxPortBytes = 64;

/// The place of the last `mark` outside of quotes; npos without one.
std::size_t find_last_unquoted(std::string_view text, char mark) {
    bool is_quoted = false;
    for (std::size_t i = text.size(); i > 0; --i) {
        const char c = text[i - 1];
        is_quoted = is_quoted != (c == '"');
        if (c == mark && !is_quoted) {
            return i - 1;
        }
    }
    return std::string_view::npos;
}

/// Takes the last of the entries that `mark` separates out of `list`, without blanks around the entry.
std::string_view take_last(std::string_view& list, char mark) {
    const std::size_t at = find_last_unquoted(list, mark);
    const std::string_view entry = at == std::string_view::npos ? list : list.substr(at + 1);
    list = list.substr(0, at == std::string_view::npos ? 0 : at);
    return trim(entry);
}

/// True for the text behind an address: nothing, or a colon and a port.
bool is_port(std::string_view text) {
    if (text.empty()) {
        return true;
    }
    if (text.size() < 2 || text.size() > kMaxPortBytes || text.front() != ':') {
        return false;
    }
    text.remove_prefix(1);
    return text.front() == '_' || std::all_of(text.begin(), text.end(), is_digit);
}

/// The address of an entry: "203.0.113.7", "203.0.113.7:1234", "2001:db8::1", "[2001:db8::1]" or "[2001:db8::1]:1234".
std::optional<IpAddress> address_of(std::string_view entry) {
    if (entry.starts_with('[')) {
        const std::size_t end = entry.find(']');
        const std::optional<IpAddress> address =
            end == std::string_view::npos ? std::nullopt : parse_ip(entry.substr(1, end - 1));
        return address && address->is_v6 && is_port(entry.substr(end + 1)) ? address : std::nullopt;
    }
    const std::size_t colon = entry.find(':');
    // Two colons: an IPv6 address without brackets, which leaves no place for a port.
    if (colon == entry.rfind(':') && colon != std::string_view::npos) {
        return is_port(entry.substr(colon)) ? parse_ip(entry.substr(0, colon)) : std::nullopt;
    }
    return parse_ip(entry);
}

/// The value without its quotes. Nothing for a text with a quote or a backslash elsewhere: no address has either.
std::optional<std::string_view> unquoted(std::string_view value) {
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
        value = value.substr(1, value.size() - 2);
    }
    return value.find_first_of("\"\\") == std::string_view::npos ? std::optional(value) : std::nullopt;
}

/// The address in an entry of Forwarded: the value of the only "for" among the pairs. The other pairs ("by", "host",
/// "proto") mean nothing here.
std::optional<IpAddress> address_of_pairs(std::string_view entry) {
    std::optional<std::string_view> found;
    while (!entry.empty()) {
        const std::string_view pair = take_last(entry, ';');
        const std::size_t equals = pair.find('=');
        if (equals != std::string_view::npos && equals_ignoring_case(pair.substr(0, equals), "for")) {
            // Two clients in one entry: neither is believed.
            if (found) {
                return std::nullopt;
            }
            found = pair.substr(equals + 1);
        }
    }
    const std::optional<std::string_view> value = found ? unquoted(*found) : std::nullopt;
    return value ? address_of(*value) : std::nullopt;
}

}  // namespace

std::optional<IpAddress> forwarded_client(std::span<const std::string_view> lines, const TrustedProxies& proxies) {
    const bool has_pairs = proxies.header() == ForwardedHeader::kForwarded;
    std::optional<IpAddress> last;
    std::size_t hops = 0;
    for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
        std::string_view list = *line;
        while (!list.empty()) {
            const std::string_view entry = take_last(list, ',');
            // A list may have empty entries (RFC 9110, 5.6.1).
            if (entry.empty()) {
                continue;
            }
            const std::optional<IpAddress> address = has_pairs ? address_of_pairs(entry) : address_of(entry);
            if (!address) {
                return last;
            }
            last = unmapped(*address);
            if (!proxies.holds(*last) || ++hops == kMaxForwardedHops) {
                return last;
            }
        }
    }
    return last;
}

}  // namespace tulle::node::http
