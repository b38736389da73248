#include "node/core/address.hpp"

#include <algorithm>
#include <charconv>

namespace tulle::node {
namespace {

// The longest host name of the DNS (RFC 1035).
constexpr std::size_t kMaxHostBytes = 253;

// Characters of host names and IPv4 addresses. An underscore is not allowed in host names by the RFCs, yet container
// networks use names with underscores.
bool is_host_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
}

// Characters of an IPv6 address, including the dotted tail of a mapped address.
bool is_ipv6_char(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
}

/// True for the form of an address in 127.0.0.0/8: digits and three dots. A host name such as 127.example.org is no
/// loopback address.
bool is_loopback_v4(std::string_view host) {
    return host.starts_with("127.") && std::count(host.begin(), host.end(), '.') == 3 &&
           std::all_of(host.begin(), host.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

}  // namespace

bool Address::is_loopback() const {
    // The prefix of an IPv4 address in IPv6 form.
    constexpr std::string_view kMapped = "::ffff:";
    const std::string_view v4 = std::string_view(host).substr(host.starts_with(kMapped) ? kMapped.size() : 0);
    return host == "localhost" || host == "::1" || is_loopback_v4(v4);
}

std::optional<Address> parse_address(std::string_view text) {
    // The last colon: an IPv6 address in brackets has colons of its own.
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    std::string_view host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    const bool is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (is_bracketed) {
        host = host.substr(1, host.size() - 2);
    }
    if (host.empty() || host.size() > kMaxHostBytes ||
        !std::all_of(host.begin(), host.end(), is_bracketed ? is_ipv6_char : is_host_char)) {
        return std::nullopt;
    }
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    // A sign, a blank or trailing characters make the port invalid.
    if (error != std::errc{} || end != port.data() + port.size()) {
        return std::nullopt;
    }
    return Address{std::string(host), number};
}

std::string to_string(const Address& address) {
    const bool is_ipv6 = address.host.find(':') != std::string::npos;
    return (is_ipv6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace tulle::node
