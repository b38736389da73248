#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tulle::mesh {

/// "host:port" taken apart; an IPv6 address stands in brackets.
struct HostPort {
    std::string host;
    std::uint16_t port = 0;
};

/// Nothing when there is no port, or it is not a number up to 65535.
[[nodiscard]] std::optional<HostPort> parse_host_port(std::string_view text);
[[nodiscard]] std::string to_text(const HostPort& address);

/// A numeric address, ready for the kernel or for ZeroMQ.
struct NumericAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
    [[nodiscard]] std::string text() const;          ///< "1.2.3.4:5", "[::1]:5"
    [[nodiscard]] std::string zmq_endpoint() const;  ///< "tcp://1.2.3.4:5"
};

/// Without asking any name server: nothing when the host is a name.
[[nodiscard]] std::optional<NumericAddress> numeric(const HostPort& address);
/// What a name stands for: each address once, in the order of their texts. None: `error` says why.
struct LookUp {
    std::vector<NumericAddress> addresses;
    std::string error;
};

/// All addresses of both families, also those of a family that this host has no other address of: whoever dials them
/// finds out. May take seconds: never on the hub.
[[nodiscard]] LookUp resolve_all(const HostPort& address);
/// The first address, for binding. May take seconds: never on the hub. Nothing when it can't be resolved.
[[nodiscard]] std::optional<NumericAddress> resolve(const HostPort& address);

}  // namespace tulle::mesh
