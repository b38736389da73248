#include "node/app/address_check.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/admin/unix_socket.hpp"
#include "node/app/ports_file.hpp"

namespace tulle::node {
namespace {

// The default of Linux, for a kernel without the file below.
constexpr std::uint16_t kFirstUnprivilegedPort = 1024;

/// The first port that any process may bind. Lower ports need a right.
std::uint16_t first_unprivileged_port() {
    unsigned port = kFirstUnprivilegedPort;
    std::ifstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") >> port;
    return static_cast<std::uint16_t>(port <= 65535 ? port : kFirstUnprivilegedPort);
}

/// An address from the system's resolver. `bytes` holds the address as IPv6, also for an IPv4 address, so that two
/// addresses can be compared.
struct Found {
    sockaddr_storage address{};
    socklen_t size = 0;
    std::array<std::uint8_t, 16> bytes{};
};

/// The bytes of an address. An IPv4 address becomes the IPv6 address ::ffff:a.b.c.d (RFC 4291, 2.5.5.2).
std::array<std::uint8_t, 16> bytes_of(const sockaddr_storage& address) {
    std::array<std::uint8_t, 16> bytes{};
    if (address.ss_family == AF_INET6) {
        std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, bytes.size());
    } else {
        bytes[10] = bytes[11] = 0xff;
        std::memcpy(&bytes[12], &reinterpret_cast<const sockaddr_in&>(address).sin_addr, 4);
    }
    return bytes;
}

/// Puts `port` into an address of either family.
void set_port(sockaddr_storage& address, std::uint16_t port) {
    if (address.ss_family == AF_INET6) {
        reinterpret_cast<sockaddr_in6&>(address).sin6_port = htons(port);
    } else {
        reinterpret_cast<sockaddr_in&>(address).sin_port = htons(port);
    }
}

/// Binds a socket to the address and closes the socket again. Returns 0, or the error number of the failed step.
int try_bind(const Found& found, std::uint16_t port) {
    sockaddr_storage address = found.address;
    set_port(address, port);
    const int descriptor = ::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return errno;
    }
    const int error = ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), found.size) == 0 ? 0 : errno;
    ::close(descriptor);
    return error;
}

/// Why nothing can be bound to the address and port; empty when binding works.
std::string why_not_bound(const Found& found, std::uint16_t port) {
    // Port 0 tests the address alone: the kernel picks a port that needs no right.
    if (const int error = try_bind(found, 0); error != 0) {
        return std::strerror(error);
    }
    const std::uint16_t first = first_unprivileged_port();
    if (port == 0 || port >= first) {
        return "";
    }
    // A port that is in use is no error here, as the running node may use the port.
    const int error = try_bind(found, port);
    if (error == EACCES || error == EPERM) {
        return std::string(std::strerror(error)) + ": ports below " + std::to_string(first) +
               " need the right CAP_NET_BIND_SERVICE (of systemd: AmbientCapabilities=), or take another port";
    }
    return error == 0 || error == EADDRINUSE ? "" : std::strerror(error);
}

/// True for the wildcard address, in any spelling ("0", "::0"): the address stands for every address of the machine.
bool is_any(const Found& found) {
    constexpr std::array<std::uint8_t, 16> kAnyV6{};
    constexpr std::array<std::uint8_t, 16> kAnyV4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return found.bytes == kAnyV6 || found.bytes == kAnyV4;
}

/// The first address that the system's resolver gives. Throws ConfigError with the text `begin` in front.
Found resolved(const std::string& begin, const Address& address) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
    addrinfo* list = nullptr;
    if (const int error = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &list);
        error != 0) {
        throw ConfigError(begin + (error == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(error)));
    }
    Found found;
    found.size = list->ai_addrlen;
    std::memcpy(&found.address, list->ai_addr, list->ai_addrlen);
    ::freeaddrinfo(list);
    found.bytes = bytes_of(found.address);
    return found;
}

/// An address of the configuration, with the result of resolving the address.
struct Checked {
    std::string_view key;
    const Address& address;
    /// False for an address that must not be the wildcard address, because other nodes could not reach the node there.
    bool may_be_any;
    Found found{};
};

/// Resolves the address and tries to bind. Throws ConfigError.
void check_address(Checked& checked) {
    const std::string begin = std::string(checked.key) + ": cannot listen on " + to_string(checked.address) + ": ";
    checked.found = resolved(begin, checked.address);
    const std::string why =
        !checked.may_be_any && is_any(checked.found)
            ? "it stands for every address of this machine: say with advertise which one others are to use"
            : why_not_bound(checked.found, checked.address.port);
    if (!why.empty()) {
        throw ConfigError(begin + why);
    }
}

/// Throws ConfigError when two settings have the same address and port, however the addresses are spelled. The
/// comparison of texts in config.cpp does not find such a pair.
void check_pair(const Checked& a, const Checked& b) {
    const bool is_one_address = a.found.bytes == b.found.bytes || is_any(a.found) || is_any(b.found);
    if (a.address.port != 0 && a.address.port == b.address.port && is_one_address) {
        throw ConfigError(std::string(a.key) + " (" + to_string(a.address) + ") and " + std::string(b.key) + " (" +
                          to_string(b.address) + ") have the same address and port: each needs its own");
    }
}

}  // namespace

void check_machine(const Config& config) {
    const bool is_advertised = !config.advertise.empty();
    std::vector<Checked> all{{"listen", config.listen, true},
                             {"mesh", config.mesh, is_advertised},
                             {"mesh_data", config.mesh_data, is_advertised}};
    if (config.tls_listen) {
        all.push_back({"tls_listen", *config.tls_listen, true});
    }
    if (config.redis_listen) {
        all.push_back({"redis_listen", *config.redis_listen, true});
    }
    if (config.admin_socket.empty()) {
        all.push_back({"admin", config.admin, true});
    } else if (const std::string why = why_no_unix_socket(config.admin_socket); !why.empty()) {
        throw ConfigError("admin: cannot listen on unix:" + config.admin_socket + ": " + why);
    }
    // Each address is compared with the earlier addresses, because only those are resolved already.
    for (auto one = all.begin(); one != all.end(); ++one) {
        check_address(*one);
        for (auto before = all.begin(); before != one; ++before) {
            check_pair(*before, *one);
        }
    }
    if (!config.ports_file.empty()) {
        if (const std::string why = why_no_ports_file(config.ports_file); !why.empty()) {
            throw ConfigError("ports_file: " + config.ports_file + " cannot be written: " + why);
        }
    }
}

}  // namespace tulle::node
