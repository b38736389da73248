#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tulle::mesh {

/// The parts of "host:port". An IPv6 address stands in brackets in the text, and without brackets in `host`.
struct HostPort {
    std::string host;
    std::uint16_t port = 0;
};

/// The parts of a text; nothing when the host is missing, or when the port is missing or not a number up to 65535. Does
/// not look the name up.
[[nodiscard]] std::optional<HostPort> parse_host_port(std::string_view text);
/// The inverse of parse_host_port: "host:port" or "[v6]:port".
[[nodiscard]] std::string to_text(const HostPort& address);

/// A numeric address in the form of the kernel.
struct NumericAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
    /// "1.2.3.4:5" or "[::1]:5".
    [[nodiscard]] std::string text() const;
    /// "tcp://1.2.3.4:5", the form of ZeroMQ.
    [[nodiscard]] std::string zmq_endpoint() const;
};

/// The address of a numeric host, without asking any name server; nothing when the host is a name. Never blocks.
[[nodiscard]] std::optional<NumericAddress> numeric(const HostPort& address);
/// The answer of a name server. `addresses` has each address once, in the order of the texts, so that all nodes see an
/// equal order. Without an address `error` has the reason.
struct LookUp {
    std::vector<NumericAddress> addresses;
    std::string error;
};

/// All addresses of a name, in both families. The answer includes addresses of a family unavailable on this host: the
/// dialler finds out.
/// Thread: any except the hub's, because a look-up may take seconds.
[[nodiscard]] LookUp resolve_all(const HostPort& address);
/// The first address of a name, for binding; nothing when the name cannot be resolved. The answer has only families
/// available on this host.
/// Thread: any except the hub's, because a look-up may take seconds.
[[nodiscard]] std::optional<NumericAddress> resolve(const HostPort& address);

}  // namespace tulle::mesh
