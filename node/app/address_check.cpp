#include "node/app/address_check.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tulle::node {
namespace {

/// Why nothing can be bound to the address; empty: something can. The port is left to the system.
std::string why_not_bound(const addrinfo& found) {
    sockaddr_storage any_port{};
    std::memcpy(&any_port, found.ai_addr, found.ai_addrlen);
    if (found.ai_family == AF_INET6) {
        reinterpret_cast<sockaddr_in6*>(&any_port)->sin6_port = 0;
    } else {
        reinterpret_cast<sockaddr_in*>(&any_port)->sin_port = 0;
    }
    const int descriptor = ::socket(found.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return std::strerror(errno);
    }
    const bool is_bound = ::bind(descriptor, reinterpret_cast<const sockaddr*>(&any_port), found.ai_addrlen) == 0;
    const std::string why = is_bound ? "" : std::strerror(errno);
    ::close(descriptor);
    return why;
}

/// Every address of the machine, however it is written ("0", "::0").
bool is_any(const addrinfo& found) {
    if (found.ai_family == AF_INET6) {
        return IN6_IS_ADDR_UNSPECIFIED(&reinterpret_cast<const sockaddr_in6*>(found.ai_addr)->sin6_addr) != 0;
    }
    return reinterpret_cast<const sockaddr_in*>(found.ai_addr)->sin_addr.s_addr == INADDR_ANY;
}

enum class Any : bool { kRefused, kAllowed };

void check_address(std::string_view key, const Address& address, Any any) {
    const std::string begin = std::string(key) + ": cannot listen on " + to_string(address) + ": ";
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found); error != 0) {
        throw ConfigError(begin + (error == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(error)));
    }
    const std::string why = any == Any::kRefused && is_any(*found)
                                ? "it stands for every address of this machine: say with advertise which one others are to use"
                                : why_not_bound(*found);
    ::freeaddrinfo(found);
    if (!why.empty()) {
        throw ConfigError(begin + why);
    }
}

}  // namespace

void check_machine(const Config& config) {
    const Any of_mesh = config.advertise.empty() ? Any::kRefused : Any::kAllowed;
    check_address("listen", config.listen, Any::kAllowed);
    check_address("mesh", config.mesh, of_mesh);
    check_address("mesh_data", config.mesh_data, of_mesh);
    check_address("admin", config.admin, Any::kAllowed);
    if (!config.ports_file.empty()) {
        const std::filesystem::path parent = std::filesystem::path(config.ports_file).parent_path();
        const std::string directory = parent.empty() ? "." : parent.string();
        if (::access(directory.c_str(), W_OK | X_OK) != 0) {
            throw ConfigError("ports_file: " + config.ports_file + " cannot be written: " + directory + ": " + std::strerror(errno));
        }
    }
}

}  // namespace tulle::node
