#pragma once

#include <sys/socket.h>

#include <string>

namespace tulle::load {

/// A socket address to connect to, or to connect from. A value of size 0 is no address.
struct Address {
    sockaddr_storage address{};
    socklen_t size = 0;
    /// The text that was resolved, for messages and the Host header.
    std::string text;

    /// Valid as long as the Address lives unchanged.
    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

/// Resolves HOST:PORT or [ADDRESS]:PORT and takes the first answer. Blocks while the name is looked up. Throws
/// std::runtime_error for a text of another form and for an unknown name.
[[nodiscard]] Address resolve(const std::string& host_and_port);

/// Resolves an address of this machine, with port 0: the system chooses the port. Throws std::runtime_error for an
/// unknown name.
[[nodiscard]] Address resolve_source(const std::string& host);

}  // namespace tulle::load
