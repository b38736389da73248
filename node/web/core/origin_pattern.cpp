#include "node/web/core/origin_pattern.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "node/web/core/origin_host.hpp"

namespace tulle::node {
namespace {

// A name of DNS has at most 253 characters. 512 bytes leave room for scheme and port, and bound the work of matching.
constexpr std::size_t kMaxOriginBytes = 512;
constexpr std::string_view kSeparator = "://";
constexpr std::pair<std::string_view, std::string_view> kDefaultPorts[] = {{"http", "80"}, {"https", "443"}};

bool is_letter(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// `text` with the capital letters of ASCII made small.
std::string lower_case(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return lower;
}

/// The parts of an origin or of a pattern, as views into the text.
struct Parts {
    std::string_view scheme;
    /// Includes the brackets of an IPv6 address.
    std::string_view host;
    /// Empty when the text has no port, or the default port of its scheme.
    std::string_view port;
};

/// Splits `text`. Nothing when `text` has no "://", or no scheme before the "://".
std::optional<Parts> parts_of(std::string_view text) {
    const std::size_t separator = text.find(kSeparator);
    if (separator == std::string_view::npos || separator == 0) {
        return std::nullopt;
    }
    Parts parts{text.substr(0, separator), text.substr(separator + kSeparator.size()), {}};
    // A colon before a "]" belongs to an IPv6 address.
    const std::size_t colon = parts.host.rfind(':');
    if (colon != std::string_view::npos && parts.host.find(']', colon) == std::string_view::npos) {
        parts.port = parts.host.substr(colon + 1);
        parts.host = parts.host.substr(0, colon);
    }
    for (const auto& [scheme, port] : kDefaultPorts) {
        if (parts.scheme == scheme && parts.port == port) {
            parts.port = {};
        }
    }
    return parts;
}

/// True when `host` matches `pattern`, where a "*" stands for one or more characters. The function goes forward through
/// both texts; after a mismatch the last star takes a further character and the comparison goes on behind the star. The
/// pattern before the last star has matched the shortest possible start of the host, so earlier stars need not be tried
/// again.
/// Time: at most the product of the lengths.
bool matches_host(std::string_view pattern, std::string_view host) {
    std::size_t at = 0;    ///< in the pattern
    std::size_t next = 0;  ///< in the host
    std::size_t star = std::string_view::npos;
    // The end, in the host, of the characters that the last star stands for.
    std::size_t taken = 0;
    while (next < host.size()) {
        if (at < pattern.size() && pattern[at] == '*') {
            star = at++;
            taken = ++next;
        } else if (at < pattern.size() && pattern[at] == host[next]) {
            ++at;
            ++next;
        } else if (star != std::string_view::npos) {
            at = star + 1;
            next = ++taken;
        } else {
            return false;
        }
    }
    return at == pattern.size();
}

/// True when `host` has no character that could begin another part of a URI. Brackets and colons may stand in an IPv6
/// address alone.
bool is_host(std::string_view host) {
    return host.find_first_of("/?#@\\:[]") == std::string_view::npos ||
           (host.starts_with('[') && host.ends_with(']') && host.find_first_of("/?#@\\") == std::string_view::npos);
}

/// True for the form of RFC 3986, 3.1. REQUIRES: `scheme` is not empty.
bool is_scheme(std::string_view scheme) {
    return is_letter(scheme.front()) && std::all_of(scheme.begin(), scheme.end(), [](char c) {
               return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
           });
}

/// A sentence about a misplaced star, with which no origin could match; empty when the stars are correct.
std::string wrong_star(std::string_view host) {
    for (std::size_t at = host.find('*'); at != std::string_view::npos; at = host.find('*', at + 1)) {
        if (host != "*" && (at + 1 == host.size() || host[at + 1] != '.')) {
            return "a * stands before a dot, as in https://*.example.com, or is the whole host, or the whole port";
        }
    }
    return "";
}

/// A sentence about a wrong port; empty when the port is correct, is "*", or is missing. A leading zero is wrong,
/// because browsers send none.
std::string wrong_port(std::string_view port) {
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    const bool is_number =
        error == std::errc{} && end == port.data() + port.size() && number > 0 && port.front() != '0';
    return port.empty() || port == "*" || is_number ? "" : "a port is a number from 1 to 65535, or *";
}

/// True for the schemes of web pages.
bool is_web(std::string_view scheme) {
    return scheme == "http" || scheme == "https";
}

/// A sentence about a host that browsers send in another form; empty when the form is right. For web pages browsers
/// send each host in a single form. Other schemes have hosts of their own kinds and are not checked, except for IPv6
/// addresses, which have a single form with every scheme.
std::string wrong_form(const Parts& parts) {
    const bool is_ipv6 = parts.host.starts_with('[');
    if (!is_web(parts.scheme) && !is_ipv6) {
        return "";
    }
    if (parts.host.find('*') != std::string_view::npos) {
        return is_ipv6 ? "an IPv6 address has no *" : wrong_labels(parts.host);
    }
    OriginHost host = origin_host_of(parts.host);
    if (!host.error.empty() || host.text == parts.host) {
        return std::move(host.error);
    }
    return "browsers send this host otherwise: write " + std::string(parts.scheme) + std::string(kSeparator) +
           host.text + (parts.port.empty() ? "" : ":" + std::string(parts.port));
}

/// A sentence about the first error in the host; empty when the host is correct.
std::string wrong_host(const Parts& parts) {
    if (std::any_of(parts.host.begin(), parts.host.end(),
                    [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
        return "browsers send the ASCII form of a name with other letters: write that, as in "
               "https://xn--mnchen-3ya.example";
    }
    if (parts.host.find('@') != std::string_view::npos) {
        return "an origin has no user";
    }
    if (!is_host(parts.host) || parts.host.find('%') != std::string_view::npos) {
        return "it has no name or address of a host";
    }
    std::string why = wrong_star(parts.host);
    return why.empty() ? wrong_form(parts) : why;
}

/// A sentence about the first error in a pattern; empty when the pattern is correct. `parts`: the result of parts_of.
std::string wrong(const std::string& text, const std::optional<Parts>& parts) {
    if (text.size() > kMaxOriginBytes || std::any_of(text.begin(), text.end(), [](char c) {
            return c == ' ' || (static_cast<unsigned char>(c) < 0x20) || c == '\x7f';
        })) {
        return "it is too long, or has spaces";
    }
    if (!parts) {
        return text.empty() ? "it is empty"
                            : "an origin begins with its scheme: write https://" + text + " or http://" + text;
    }
    if (!is_scheme(parts->scheme)) {
        return "an origin begins with its scheme, such as https:// or http://, which cannot be a *";
    }
    // The origin of a WebSocket is the page that opens the WebSocket, so its scheme is http or https.
    if (parts->scheme == "ws" || parts->scheme == "wss") {
        return "the origin is that of the page: write " + std::string(parts->scheme == "ws" ? "http" : "https") +
               "://" + std::string(parts->host);
    }
    // Pages from a file send "file://" in some programs that embed a browser.
    if (parts->host.empty() && parts->scheme != "file") {
        return "it has no host";
    }
    const std::string why = wrong_host(*parts);
    return why.empty() ? wrong_port(parts->port) : why;
}

}  // namespace

OriginPattern parse_origin_pattern(std::string_view text) {
    std::string pattern = lower_case(text);
    if (pattern == "*" || pattern == "null") {
        return {std::move(pattern), {}};
    }
    // A list in a single string is a common mistake; the error names the remedy.
    if (pattern.find(',') != std::string::npos) {
        return {{}, "each origin is a string of its own"};
    }
    const bool has_host = pattern.size() > kSeparator.size() && !pattern.ends_with(kSeparator);
    if (has_host && pattern.ends_with('/')) {
        pattern.pop_back();
    }
    // "host:80/path" is refused for its path. Without this step the text after the colon would be refused as a port.
    const std::size_t begin = pattern.find(kSeparator);
    const std::size_t path =
        begin == std::string::npos ? begin : pattern.find_first_of("/?#", begin + kSeparator.size());
    if (path != std::string::npos) {
        return {{}, "an origin has no path: write " + pattern.substr(0, path)};
    }
    const std::optional<Parts> parts = parts_of(pattern);
    if (std::string why = wrong(pattern, parts); !why.empty()) {
        return {{}, std::move(why)};
    }
    std::string canonical = std::string(parts->scheme) + std::string(kSeparator) + std::string(parts->host);
    return {parts->port.empty() ? canonical : canonical + ":" + std::string(parts->port), {}};
}

bool matches_origin(std::string_view pattern, std::string_view origin) {
    if (pattern == "*" || origin.size() > kMaxOriginBytes) {
        return pattern == "*";
    }
    const std::string sent = lower_case(origin);
    const std::optional<Parts> wanted = parts_of(pattern);
    const std::optional<Parts> given = parts_of(sent);
    // "null" has no parts, and matches only itself.
    if (!wanted || !given) {
        return pattern == sent;
    }
    const bool is_port = wanted->port == given->port || (wanted->port == "*" && wrong_port(given->port).empty());
    return wanted->scheme == given->scheme && is_port && is_host(given->host) &&
           matches_host(wanted->host, given->host);
}

}  // namespace tulle::node
