#include "tools/load/tls_link.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <new>
#include <utility>

#include <openssl/err.h>
#include <boost/asio/ssl/error.hpp>

namespace tulle::load {

TlsLink::TlsLink(client::ServerTrust& trust, int socket, std::string host)
    : ssl_(SSL_new(trust.context().native_handle())), host_(std::move(host)) {
    if (ssl_ == nullptr || SSL_set_fd(ssl_.get(), socket) != 1) {
        throw std::bad_alloc();
    }
    // A write of which the kernel takes a part goes on with what is left, which may stand elsewhere by then.
    SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    client::expect_host(ssl_.get(), host_);
    SSL_set_connect_state(ssl_.get());
}

TlsLink::Step TlsLink::handshake() {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) {
        return Step::kDone;
    }
    switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_WANT_READ:
            return Step::kWantsRead;
        case SSL_ERROR_WANT_WRITE:
            return Step::kWantsWrite;
        case SSL_ERROR_SSL:
            why_ = client::handshake_failure(
                ssl_.get(), host_, {static_cast<int>(ERR_peek_last_error()), boost::asio::error::get_ssl_category()});
            return Step::kFailed;
        default:
            why_ = "the server has closed the connection during the TLS handshake";
            return Step::kFailed;
    }
}

ssize_t TlsLink::outcome(int result) {
    switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:
            errno = EAGAIN;
            return -1;
        case SSL_ERROR_ZERO_RETURN:
            return 0;
        default:
            errno = ECONNRESET;
            return -1;
    }
}

ssize_t TlsLink::receive(char* into, std::size_t size) {
    ERR_clear_error();
    const int got = SSL_read(ssl_.get(), into, static_cast<int>(std::min<std::size_t>(size, INT_MAX)));
    return got > 0 ? got : outcome(got);
}

ssize_t TlsLink::send(const char* bytes, std::size_t size) {
    ERR_clear_error();
    const int sent = SSL_write(ssl_.get(), bytes, static_cast<int>(std::min<std::size_t>(size, INT_MAX)));
    return sent > 0 ? sent : outcome(sent);
}

bool TlsLink::has_unread() const {
    return SSL_has_pending(ssl_.get()) == 1;
}

}  // namespace tulle::load
