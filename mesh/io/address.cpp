#include "mesh/io/address.hpp"

#include <arpa/inet.h>
#include <netdb.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>

namespace tulle::mesh {
namespace {

/// Asks the system's resolver. A numeric host is answered without a name server.
LookUp look_up(const HostPort& address, int flags) {
    addrinfo hints{};
    // One entry for each address, not one for each socket type.
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int error = getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
    if (error != 0) {
        return {{}, error == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(error)};
    }
    LookUp result;
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
        NumericAddress& numeric = result.addresses.emplace_back();
        numeric.size = each->ai_addrlen;
        std::memcpy(&numeric.storage, each->ai_addr, each->ai_addrlen);
    }
    freeaddrinfo(found);
    return result;
}

std::optional<NumericAddress> first_of(const LookUp& found) {
    return found.addresses.empty() ? std::nullopt : std::optional(found.addresses.front());
}

}  // namespace

std::optional<HostPort> parse_host_port(std::string_view text) {
    // The last colon, because an IPv6 address has colons of its own.
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) {
        return std::nullopt;
    }
    std::string_view host = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    if (host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
        // Without brackets nobody can tell the last group of an IPv6 address from the port.
        return std::nullopt;
    }
    HostPort address{std::string(host), 0};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
    if (error != std::errc{} || end != digits.data() + digits.size() || host.empty()) {
        return std::nullopt;
    }
    return address;
}

std::string to_text(const HostPort& address) {
    const bool v6 = address.host.find(':') != std::string::npos;
    return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

std::string NumericAddress::text() const {
    char host[NI_MAXHOST] = {};
    char port[NI_MAXSERV] = {};
    getnameinfo(reinterpret_cast<const sockaddr*>(&storage), size, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    return storage.ss_family == AF_INET6 ? "[" + std::string(host) + "]:" + port : std::string(host) + ":" + port;
}

std::string NumericAddress::zmq_endpoint() const {
    return "tcp://" + text();
}

std::optional<NumericAddress> numeric(const HostPort& address) {
    return first_of(look_up(address, AI_NUMERICHOST));
}

LookUp resolve_all(const HostPort& address) {
    LookUp found = look_up(address, 0);
    // Name servers rotate their answers. Sorting keeps the first address equal from look-up to look-up.
    std::map<std::string, NumericAddress> sorted;
    for (const NumericAddress& each : found.addresses) {
        sorted.emplace(each.text(), each);
    }
    found.addresses.clear();
    for (const auto& [text, each] : sorted) {
        found.addresses.push_back(each);
    }
    return found;
}

std::optional<NumericAddress> resolve(const HostPort& address) {
    return first_of(look_up(address, AI_ADDRCONFIG));
}

}  // namespace tulle::mesh
