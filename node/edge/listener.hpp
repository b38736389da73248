#pragma once

#include <functional>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>

#include "node/core/address.hpp"
#include "node/edge/connection.hpp"
#include "node/edge/reactor.hpp"

namespace tulle::node {

/// Whether other acceptors of this process are to listen on the same port.
enum class Sharing : bool { kAlone, kShared };

/// Accepts the connections of one address for one reactor.
///
/// Thread: bind before the reactor runs; everything else on the reactor's thread.
/// Errors: bind and join throw std::runtime_error with the address in its text. A failed accept (usually no descriptors
///         are left) is counted, logged once per spell, and tried again after 10 ms, then after pauses that double up
///         to 1 s, instead of spinning.
class Listener {
public:
    using Accepted = std::function<void(Socket)>;

    Listener(Reactor& reactor, Accepted accepted);

    /// Resolves, binds and listens. Returns the numeric address with the real port. A port on which any other process
    /// listens is refused, even if that process would share the port.
    Address bind(const Address& address, Sharing sharing);
    /// Adds one more acceptor on an address that bind returned with Sharing::kShared.
    void join(const Address& address);

    void start();
    /// Accepts the connections that wait in the kernel, and none after those.
    void stop();

private:
    using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;
    using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                    boost::asio::wait_traits<std::chrono::steady_clock>,
                                                    boost::asio::io_context::executor_type>;

    boost::asio::ip::tcp::endpoint open(const Address& address);
    // An exception in these two would end the listening in silence. So the exception ends the process.
    void accept() noexcept;
    void retry_later(const boost::system::error_code& error) noexcept;
    void on_accept(const boost::system::error_code& error, Socket socket);
    void take_waiting() noexcept;
    void hand_over(Socket socket) noexcept;

    Reactor& reactor_;
    const Accepted accepted_;
    Acceptor acceptor_;
    Timer timer_;
    Duration backoff_{};
};

}  // namespace tulle::node
