#include "node/edge/listener.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <spdlog/spdlog.h>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/socket_base.hpp>

#include "mesh/base/assert.hpp"
#include "node/core/limits.hpp"

namespace tulle::node {
static_assert(kAcceptBackoffMin < kAcceptBackoffMax);

namespace {

constexpr Duration kReopenInterval = 1s;

using ReusePort = boost::asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
using DeferAccept = boost::asio::detail::socket_option::integer<IPPROTO_TCP, TCP_DEFER_ACCEPT>;

[[noreturn]] void throw_bind_error(const Address& address, const boost::system::system_error& error) {
    throw std::runtime_error("cannot listen on " + to_string(address) + ": " + error.code().message());
}

}  // namespace

Listener::Listener(Reactor& reactor, Accepted accepted)
    : reactor_(reactor),
      accepted_(std::move(accepted)),
      acceptor_(reactor.context().get_executor()),
      timer_(reactor.context().get_executor()) {}

boost::asio::ip::tcp::endpoint Listener::open(const Address& address) {
    boost::asio::ip::tcp::resolver resolver(reactor_.context());
    const auto found = resolver.resolve(address.host, std::to_string(address.port));
    const boost::asio::ip::tcp::endpoint endpoint = found.begin()->endpoint();
    acceptor_.open(endpoint.protocol());
    // A port in TIME_WAIT after a restart is no obstacle.
    acceptor_.set_option(boost::asio::socket_base::reuse_address(true));
    // A wildcard address of IPv6 takes IPv4 connections as well.
    if (endpoint.address().is_v6()) {
        acceptor_.set_option(boost::asio::ip::v6_only(false));
    }
    return endpoint;
}

Address Listener::bind(const Address& address, Sharing sharing) {
    try {
        // Sharing is allowed only after the bind: a bind without SO_REUSEPORT fails when another process already
        // listens.
        acceptor_.bind(open(address));
        if (sharing == Sharing::kShared) {
            acceptor_.set_option(ReusePort(true));
        }
        acceptor_.listen();
    } catch (const boost::system::system_error& error) {
        throw_bind_error(address, error);
    }
    const boost::asio::ip::tcp::endpoint bound = acceptor_.local_endpoint();
    bound_ = {bound.address().to_string(), bound.port()};
    is_shared_ = sharing == Sharing::kShared;
    return bound_;
}

void Listener::join(const Address& address) {
    try {
        const boost::asio::ip::tcp::endpoint endpoint = open(address);
        // The shared option must stand before the bind, because the first acceptor holds the port already.
        acceptor_.set_option(ReusePort(true));
        acceptor_.bind(endpoint);
        acceptor_.listen();
    } catch (const boost::system::system_error& error) {
        throw_bind_error(address, error);
    }
    bound_ = address;
    is_shared_ = true;
}

void Listener::probe(const Address& address) {
    boost::asio::io_context context;
    Acceptor acceptor(context.get_executor());
    try {
        boost::asio::ip::tcp::resolver resolver(context);
        const auto found = resolver.resolve(address.host, std::to_string(address.port));
        acceptor.open(found.begin()->endpoint().protocol());
        acceptor.set_option(boost::asio::socket_base::reuse_address(true));
        acceptor.bind(found.begin()->endpoint());
    } catch (const boost::system::system_error& error) {
        throw_bind_error(address, error);
    }
}

void Listener::reopen() noexcept {
    TULLE_ASSERT(bound_.port != 0);
    wants_open_ = true;
    open_again();
}

void Listener::open_again() noexcept {
    // A retry may have been on its way when stop() came.
    if (acceptor_.is_open() || !wants_open_) {
        return;
    }
    try {
        if (is_shared_) {
            join(bound_);
        } else {
            bind(bound_, Sharing::kAlone);
        }
        accept();
    } catch (const std::exception& error) {
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        if (reactor_.now() >= quiet_until_) {
            quiet_until_ = reactor_.now() + kAcceptLogInterval;
            spdlog::error("{}, will keep trying", error.what());
        }
        timer_.expires_after(kReopenInterval);
        timer_.async_wait([this](const boost::system::error_code& cancelled) {
            if (!cancelled) {
                open_again();
            }
        });
    }
}

void Listener::adopt(int descriptor) {
    // Asio looks at the protocol for addresses alone: accept, read and write are the same for each stream socket.
    acceptor_.assign(boost::asio::ip::tcp::v4(), descriptor);
}

void Listener::wait_for_bytes(Duration most) {
    const auto seconds = static_cast<int>(std::chrono::ceil<std::chrono::seconds>(most).count());
    boost::system::error_code ignored;
    acceptor_.set_option(DeferAccept(seconds), ignored);
}

void Listener::start() {
    accept();
}

void Listener::stop() {
    wants_open_ = false;
    take_waiting();
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    timer_.cancel();
}

/// Accepts the connections that wait in the kernel. To their peers these connections stand already: without the accept
/// the kernel would reset the connections, and the peers' bytes would be lost.
void Listener::take_waiting() noexcept {
    boost::system::error_code error;
    acceptor_.non_blocking(true, error);
    // Bounded by the kernel's queue: peers that go on connecting cannot keep a stopping node here.
    for (int i = 0; i < boost::asio::socket_base::max_listen_connections && !error; ++i) {
        Socket socket(reactor_.context().get_executor());
        acceptor_.accept(socket, error);
        if (!error) {
            hand_over(std::move(socket));
        }
    }
}

void Listener::hand_over(Socket socket) noexcept {
    reactor_.counters().accepted_total.add();
    try {
        accepted_(std::move(socket));
    } catch (const std::exception& thrown) {
        reactor_.count_failure(thrown);
    }
}

void Listener::accept() noexcept {
    acceptor_.async_accept(reactor_.context().get_executor(),
                           [this](const boost::system::error_code& error, TcpSocket socket) {
                               on_accept(error, Socket(std::move(socket)));
                           });
}

void Listener::on_accept(const boost::system::error_code& error, Socket socket) {
    // stop() has closed the acceptor. It may be open again by now, with an accept of its own.
    if (!acceptor_.is_open() || error == boost::asio::error::operation_aborted) {
        return;
    }
    // The peer has gone between its handshake and the accept: no failure of the node.
    if (error == boost::asio::error::connection_aborted) {
        accept();
        return;
    }
    if (error) {
        on_failure(error);
        return;
    }
    backoff_ = Duration{};
    ended_ = 0;
    hand_over(std::move(socket));
    accept();
}

void Listener::on_failure(const boost::system::error_code& error) noexcept {
    reactor_.counters().accept_failures_total.add();
    if (reactor_.now() >= quiet_until_) {
        quiet_until_ = reactor_.now() + kAcceptLogInterval;
        spdlog::warn("cannot accept connections, will keep trying: {}", error.message());
    }
    // Other threads may take what a connection has given back. So the number of connections that end for one newcomer
    // has a bound.
    if (make_room_ && ended_ < kMaxEndedForAccept && make_room_()) {
        ++ended_;
        accept();
        return;
    }
    ended_ = 0;
    retry_later();
}

void Listener::retry_later() noexcept {
    backoff_ = std::clamp(backoff_ * 2, kAcceptBackoffMin, kAcceptBackoffMax);
    timer_.expires_after(backoff_);
    timer_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled && acceptor_.is_open()) {
            accept();
        }
    });
}

}  // namespace tulle::node
