#include "node/web/core/page_guard.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <iterator>

#include "node/web/core/characters.hpp"

namespace tulle::node::http {
namespace {

// The largest port is 65535.
constexpr std::size_t kMaxPortDigits = 5;

std::string lower_case(std::string_view text) {
    std::string lowered;
    std::transform(text.begin(), text.end(), std::back_inserter(lowered), lower);
    return lowered;
}

/// True for four decimal numbers up to 255. Browsers turn all other ways to write an IPv4 address into this form.
bool is_ipv4(std::string_view host) {
    for (int part = 0; part < 4; ++part) {
        const std::size_t dot = part < 3 ? host.find('.') : host.size();
        unsigned number = 0;
        if (dot == std::string_view::npos || dot == 0 || dot > 3 ||
            !std::all_of(host.begin(), host.begin() + dot, is_digit) ||
            std::from_chars(host.data(), host.data() + dot, number).ec != std::errc{} || number > 255) {
            return false;
        }
        host.remove_prefix(std::min(dot + 1, host.size()));
    }
    return true;
}

/// True for a text in brackets with the characters of an IPv6 address. The address need not be correct, because no name
/// of DNS can stand in brackets.
bool is_ipv6(std::string_view host) {
    return host.size() > 2 && host.front() == '[' && host.back() == ']' &&
           std::all_of(host.begin() + 1, host.end() - 1,
                       [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || c == ':' || c == '.'; });
}

/// "host" for "host:port", and "[v6]" for "[v6]:port". Nothing when `authority` has neither form.
std::optional<std::string_view> without_port(std::string_view authority) {
    // The search for the colon of the port begins behind the bracket, as an IPv6 address has colons of its own.
    const std::size_t bracket = authority.starts_with('[') ? authority.find(']') : 0;
    const std::size_t colon = bracket == std::string_view::npos ? bracket : authority.find(':', bracket);
    if (bracket == std::string_view::npos || colon == std::string_view::npos) {
        return bracket == std::string_view::npos ? std::nullopt : std::optional(authority);
    }
    const std::string_view port = authority.substr(colon + 1);
    const bool is_port = port.size() <= kMaxPortDigits && std::all_of(port.begin(), port.end(), is_digit);
    return is_port ? std::optional(authority.substr(0, colon)) : std::nullopt;
}

/// The authority in "http://AUTHORITY" or "https://AUTHORITY"; nothing for any other origin, such as "null".
std::optional<std::string_view> authority_of(std::string_view origin) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (origin.starts_with(scheme)) {
            return origin.substr(scheme.size());
        }
    }
    return std::nullopt;
}

/// True for application/json, with or without parameters such as a charset.
bool is_json(std::string_view content_type) {
    const std::string type = lower_case(content_type.substr(0, content_type.find(';')));
    const std::size_t end = type.find_last_not_of(" \t");
    return end != std::string::npos && type.substr(0, end + 1) == "application/json";
}

}  // namespace

PageGuard::PageGuard(const std::vector<std::string>& names) {
    std::transform(names.begin(), names.end(), std::back_inserter(names_), lower_case);
}

bool PageGuard::is_known(std::string_view host) const {
    return host == "localhost" || is_ipv4(host) || is_ipv6(host) ||
           std::find(names_.begin(), names_.end(), host) != names_.end();
}

std::optional<Refusal> PageGuard::refuse(const Provenance& provenance) const {
    const std::string authority = lower_case(provenance.host.value_or(""));
    // "?" is no known host, so a malformed Host is refused.
    std::string_view host = without_port(authority).value_or("?");
    // "localhost." names the same host as "localhost".
    if (host.ends_with('.')) {
        host.remove_suffix(1);
    }
    if (provenance.host && !is_known(host)) {
        return Refusal{403, "Host is neither an IP address nor localhost nor a name in admin_hosts"};
    }
    const std::string origin = lower_case(provenance.origin.value_or(""));
    // An origin is accepted only when the page comes from this listener. A page of another port is foreign too.
    if (provenance.origin && authority_of(origin) != authority) {
        return Refusal{403, "pages of other origins are not served"};
    }
    // "none" means: the user typed the address or used a bookmark.
    if (provenance.fetch_site && provenance.fetch_site != "same-origin" && provenance.fetch_site != "none") {
        return Refusal{403, "pages of other origins are not served"};
    }
    // Forms cannot send application/json, and a script of a foreign page would first have to ask by a preflight.
    if (provenance.is_post && !is_json(provenance.content_type.value_or(""))) {
        return Refusal{415, "Content-Type must be application/json"};
    }
    return std::nullopt;
}

}  // namespace tulle::node::http
