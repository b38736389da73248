#include "mesh/io/address.hpp"

#include <arpa/inet.h>
#include <netdb.h>

#include <charconv>
#include <cstring>

namespace tulle::mesh {
namespace {

std::optional<NumericAddress> look_up(const HostPort& address, int flags) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    if (getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found) != 0) {
        return std::nullopt;
    }
    NumericAddress numeric;
    numeric.size = found->ai_addrlen;
    std::memcpy(&numeric.storage, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return numeric;
}

}  // namespace

std::optional<HostPort> parse_host_port(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) {
        return std::nullopt;
    }
    std::string_view host = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    if (host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
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

std::string NumericAddress::zmq_endpoint() const {
    char host[NI_MAXHOST] = {};
    char port[NI_MAXSERV] = {};
    getnameinfo(reinterpret_cast<const sockaddr*>(&storage), size, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    return storage.ss_family == AF_INET6 ? "tcp://[" + std::string(host) + "]:" + port
                                         : "tcp://" + std::string(host) + ":" + port;
}

std::optional<NumericAddress> numeric(const HostPort& address) {
    return look_up(address, AI_NUMERICHOST);
}

std::optional<NumericAddress> resolve(const HostPort& address) {
    return look_up(address, AI_ADDRCONFIG);
}

}  // namespace tulle::mesh
