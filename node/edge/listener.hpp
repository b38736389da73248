#pragma once

#include <functional>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>

#include "node/core/address.hpp"
#include "node/edge/connection.hpp"
#include "node/edge/reactor.hpp"

namespace tulle::node {

/// Tells whether other acceptors of this process are to listen on the same port.
enum class Sharing : bool { kAlone, kShared };

/// Accepts the connections of an address for a reactor.
///
/// Thread: bind before the reactor runs; everything else on the reactor's thread.
/// Errors: bind and join throw std::runtime_error with the address in its text. A failed accept (usually for want of
///         descriptors) is counted, logged once per spell, and tried again after 10 ms, then after pauses that double
///         up to 1 s, instead of spinning. An exception of `accepted` closes the socket and is counted.
class Listener {
public:
    /// Called for each connection. The callee owns the socket; dropping the socket closes the connection.
    using Accepted = std::function<void(Socket)>;

    Listener(Reactor& reactor, Accepted accepted);

    /// Resolves, binds and listens. Returns the numeric address with the real port. Refuses a port on which any other
    /// process listens, even if that process would share the port.
    Address bind(const Address& address, Sharing sharing);
    /// Adds another acceptor on an address that bind returned with Sharing::kShared.
    void join(const Address& address);

    /// Takes over the listening socket `descriptor`, which may be of another family than TCP. Call instead of bind. The
    /// sockets that `accepted` gets have no address then.
    void adopt(int descriptor);

    /// Begins to accept.
    void start();
    /// Accepts the connections that wait in the kernel, and no later connections.
    void stop();

private:
    using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;
    using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                    boost::asio::wait_traits<std::chrono::steady_clock>,
                                                    boost::asio::io_context::executor_type>;

    /// Resolves the address and opens the acceptor's socket, without binding the socket.
    boost::asio::ip::tcp::endpoint open(const Address& address);
    // An exception in accept or retry_later would end the listening in silence. So the exception ends the process.
    void accept() noexcept;
    void retry_later(const boost::system::error_code& error) noexcept;
    /// The end of an accept: hands the connection over, and goes on.
    void on_accept(const boost::system::error_code& error, Socket socket);
    /// Accepts without waiting, until the kernel has no further connection.
    void take_waiting() noexcept;
    /// Counts the connection and gives the socket to accepted_.
    void hand_over(Socket socket) noexcept;

    Reactor& reactor_;
    const Accepted accepted_;
    Acceptor acceptor_;
    Timer timer_;
    /// The last pause after a failed accept; 0: the last accept succeeded.
    Duration backoff_{};
};

}  // namespace tulle::node
