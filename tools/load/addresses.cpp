#include "tools/load/addresses.hpp"

#include <netdb.h>

#include <cstring>
#include <memory>
#include <stdexcept>

namespace tulle::load {
namespace {

/// The first address of a name, of either IP version. `text` is for messages.
Address look_up(const std::string& host, const std::string& port, const std::string& text) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
    if (error != 0) {
        throw std::runtime_error("cannot resolve " + text + ": " + ::gai_strerror(error));
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, &::freeaddrinfo);
    Address out;
    // A sockaddr_storage has room for every address that getaddrinfo yields.
    std::memcpy(&out.address, found->ai_addr, found->ai_addrlen);
    out.size = found->ai_addrlen;
    out.text = text;
    return out;
}

}  // namespace

Address resolve(const std::string& host_and_port) {
    // The last colon separates the port: an IPv6 address has colons of its own, within brackets.
    const std::size_t colon = host_and_port.rfind(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == host_and_port.size()) {
        throw std::runtime_error("'" + host_and_port + "' is not HOST:PORT");
    }
    std::string host = host_and_port.substr(0, colon);
    if (host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    return look_up(host, host_and_port.substr(colon + 1), host_and_port);
}

Address resolve_source(const std::string& host) {
    return look_up(host, "0", host);
}

}  // namespace tulle::load
