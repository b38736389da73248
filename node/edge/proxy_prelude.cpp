#include "node/edge/proxy_prelude.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

#include "mesh/base/assert.hpp"
#include "node/core/limits.hpp"

namespace tulle::node {

ProxyPrelude::ProxyPrelude(Reactor& reactor, Owner& owner, Socket socket, const IpAddress& from, Peer peer)
    : reactor_(reactor), owner_(owner), socket_(std::move(socket)), from_(from), peer_(std::move(peer)) {
    TULLE_ASSERT(peer_.is_proxy());
}

void ProxyPrelude::start() {
    reactor_.add(shared_from_this());
    reactor_.guard(*this, [this] {
        deadline_ = reactor_.now() + kProxyHeaderTimeout;
        reactor_.arm(slot(), deadline_);
        // Most proxies send the header together with the first bytes of the client.
        read();
    });
}

/// Looks at the bytes in the kernel first, and takes out of the kernel the bytes of the header alone.
void ProxyPrelude::read() {
    // The bytes are copied before the next connection of the thread reads.
    static thread_local std::array<char, kMaxProxyHeaderBytes> seen;
    const int socket = socket_.native_handle();
    while (reader_.state() == ProxyHeaderReader::State::kMore) {
        const ssize_t got = ::recv(socket, seen.data(), seen.size(), MSG_PEEK | MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            wait();
            return;
        }
        if (got <= 0 && reader_.is_untouched()) {
            end();
            return;
        }
        if (got <= 0) {
            refuse("closed in the middle of the header");
            return;
        }
        const std::size_t taken = reader_.take({seen.data(), static_cast<std::size_t>(got)});
        if (reader_.state() == ProxyHeaderReader::State::kBad) {
            refuse("sent something else");
            return;
        }
        // The connection may have broken between the two calls.
        if (::recv(socket, seen.data(), taken, MSG_DONTWAIT) != static_cast<ssize_t>(taken)) {
            end();
            return;
        }
    }
    pass();
}

void ProxyPrelude::wait() {
    socket_.async_wait(boost::asio::socket_base::wait_read,
                       [this, me = shared_from_this()](const boost::system::error_code& error) {
                           reactor_.guard(*this, [&] {
                               if (is_gone_) {
                                   return;
                               }
                               if (error) {
                                   end();
                               } else {
                                   read();
                               }
                           });
                       });
}

void ProxyPrelude::pass() {
    Socket socket = std::move(socket_);
    Peer peer = std::move(peer_);
    leave_reactor();
    const bool is_let_in = !reader_.client() || peer.be_client_of_proxy(*reader_.client());
    owner_.on_proxy_header(std::move(socket), std::move(peer), is_let_in);
}

void ProxyPrelude::refuse(std::string_view why) {
    // Counted first: whoever sees the end of the connection finds it counted.
    owner_.on_no_proxy_header(from_, why);
    end();
}

void ProxyPrelude::on_deadline(Instant now) {
    if (!is_gone_ && now >= deadline_) {
        refuse("did not send the header in time");
    }
}

void ProxyPrelude::drain(Instant now) {
    deadline_ = std::min(deadline_, now + kProxyHeaderDrainTimeout);
    reactor_.arm(slot(), deadline_);
}

void ProxyPrelude::end() {
    if (!is_gone_) {
        boost::system::error_code ignored;
        socket_.close(ignored);
        peer_.leave();
        leave_reactor();
    }
}

void ProxyPrelude::leave_reactor() {
    is_gone_ = true;
    reactor_.remove(slot());
}

}  // namespace tulle::node
