#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "node/core/ip_address.hpp"
#include "node/core/proxy_header.hpp"
#include "node/edge/connection.hpp"
#include "node/edge/node_limits.hpp"
#include "node/edge/reactor.hpp"

namespace tulle::node {

/// The beginning of a connection of a trusted proxy that speaks the PROXY protocol: reads the header, and nothing of
/// the bytes behind the header. The socket then goes on to whatever reads the client's bytes.
///
/// Thread: the reactor's.
/// Ownership: kept alive by the reactor and by its own handlers. Reactor and owner outlive the connection.
/// Limits: ProxyHeaderReader; kProxyHeaderTimeout for the whole header, kProxyHeaderDrainTimeout once the node stops.
/// Errors: a connection without a correct header in time is closed, and the owner is told. A proxy that closes without
///         having sent a byte, as a check of the port does, is no error.
class ProxyPrelude final : public Connection {
public:
    /// The recipient of the outcome.
    class Owner {
    public:
        Owner() = default;
        Owner(const Owner&) = delete;
        Owner& operator=(const Owner&) = delete;
        virtual ~Owner() = default;

        /// The header has been read. The next byte of `socket` is the first byte behind the header. `peer` has the
        /// client's address if the header names one, and `is_let_in` is false if that address is full.
        virtual void on_proxy_header(Socket socket, Peer peer, bool is_let_in) = 0;
        /// The connection from `from` is closed. `why`: the end of a sentence for the log.
        virtual void on_no_proxy_header(const IpAddress& from, std::string_view why) = 0;
    };

    /// `from`: the address of the socket, a trusted proxy's. REQUIRES: peer.is_proxy().
    ProxyPrelude(Reactor& reactor, Owner& owner, Socket socket, const IpAddress& from, Peer peer);

    /// Enters the reactor and reads. An exception before the connection has entered leaves start().
    void start();

    void on_deadline(Instant now) override;
    void on_turn_end(Instant) override {}
    void take_write(std::vector<WriteJob>&) override {}
    void on_written(Written) override {}
    /// The header may be on its way, and a request behind: the connection gets kProxyHeaderDrainTimeout.
    void drain(Instant now) override;
    void on_failure() override { end(); }
    void cut() override { end(); }

private:
    /// Reads what has come of the header, then waits, goes on or ends.
    void read();
    /// Reads when the socket is readable.
    void wait();
    /// Hands the connection over.
    void pass();
    /// Ends the connection for want of a header.
    void refuse(std::string_view why);
    /// Closes the socket and leaves.
    void end();
    void leave_reactor();

    Reactor& reactor_;
    Owner& owner_;
    Socket socket_;
    const IpAddress from_;
    Peer peer_;
    ProxyHeaderReader reader_;
    Instant deadline_ = Instant::max();
    bool is_gone_ = false;
};

}  // namespace tulle::node
