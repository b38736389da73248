#pragma once

#include <sys/socket.h>

#include <string>

namespace tulle::load {

/// Where to connect to, or from.
struct Address {
    sockaddr_storage address{};
    socklen_t size = 0;
    std::string text;

    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

/// HOST:PORT, or [ADDRESS]:PORT. Errors: std::runtime_error when it is not that or cannot be resolved.
[[nodiscard]] Address resolve(const std::string& host_and_port);

/// An address of this machine, without a port.
[[nodiscard]] Address resolve_source(const std::string& host);

}  // namespace tulle::load
