#pragma once

#include <cstddef>
#include <functional>
#include <utility>

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
/// Errors: bind and join throw std::runtime_error with the address in its text. A failed accept is counted, and logged
///         at most once in kAcceptLogInterval. An accept that has failed for want of descriptors or memory is tried
///         again at once when a connection has made room (on_starved); otherwise after 10 ms, then after pauses that
///         double up to 100 ms, instead of spinning. An exception of `accepted` closes the socket and is counted.
class Listener {
public:
    /// Called for each connection. The callee owns the socket; dropping the socket closes the connection.
    using Accepted = std::function<void(Socket)>;
    /// Ends a connection that the listener can do without. False: there is none.
    using MakeRoom = std::function<bool()>;

    Listener(Reactor& reactor, Accepted accepted);

    /// Resolves, binds and listens. Returns the numeric address with the real port. Refuses a port on which any other
    /// process listens, even if that process would share the port.
    Address bind(const Address& address, Sharing sharing);
    /// Adds another acceptor on an address that bind returned with Sharing::kShared.
    void join(const Address& address);

    /// Takes over the listening socket `descriptor`, which may be of another family than TCP. Call instead of bind. The
    /// sockets that `accepted` gets have no address then.
    void adopt(int descriptor);

    /// Has `make_room` called when the process has no descriptor for a new connection. Call before start().
    void on_starved(MakeRoom make_room) { make_room_ = std::move(make_room); }
    /// Has the kernel keep connections back until their first bytes have come, for about `most` (whole seconds): a
    /// connection is then read as soon as accepted, however many silent connections come at the same time. For
    /// protocols in which the client speaks first. Call after bind.
    void wait_for_bytes(Duration most);

    /// Begins to accept.
    void start();
    /// Accepts the connections that wait in the kernel, and no later connections.
    void stop();
    /// Listens again on the address of before, after stop(). When the address cannot be had, the failure is logged, and
    /// the listener tries again until stop(). REQUIRES: bind or join has been called.
    void reopen() noexcept;
    /// Throws std::runtime_error when another socket has the address, also one that would share the address. Any
    /// thread.
    static void probe(const Address& address);

private:
    using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;
    using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                    boost::asio::wait_traits<std::chrono::steady_clock>,
                                                    boost::asio::io_context::executor_type>;

    /// Resolves the address and opens the acceptor's socket, without binding the socket.
    boost::asio::ip::tcp::endpoint open(const Address& address);
    // An exception in the next three would end the listening in silence. So the exception ends the process.
    void accept() noexcept;
    /// Does the work of reopen(), and tries again after a failure.
    void open_again() noexcept;
    /// Makes room for the next try, or has the next try wait.
    void on_failure(const boost::system::error_code& error) noexcept;
    void retry_later() noexcept;
    /// The end of an accept: hands the connection over, and goes on.
    void on_accept(const boost::system::error_code& error, Socket socket);
    /// Accepts without waiting, until the kernel has no further connection.
    void take_waiting() noexcept;
    /// Counts the connection and gives the socket to accepted_.
    void hand_over(Socket socket) noexcept;

    Reactor& reactor_;
    const Accepted accepted_;
    MakeRoom make_room_;
    Acceptor acceptor_;
    Timer timer_;
    /// The address as bound, for reopen().
    Address bound_;
    bool is_shared_ = false;
    /// reopen() has been called, and stop() not since.
    bool wants_open_ = false;
    /// The last pause after a failed accept; 0: the last accept succeeded.
    Duration backoff_{};
    /// Connections that have made room since the last pause or success.
    std::size_t ended_ = 0;
    /// The time before which no failure is logged.
    Instant quiet_until_ = Instant::min();
};

}  // namespace tulle::node
