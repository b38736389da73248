#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>

#include "client/io/server_trust.hpp"

namespace tulle::load {

/// TLS of a connection, for the side of the client, over a non-blocking socket. Reads and writes like the socket.
///
/// Thread: one thread.
class TlsLink {
public:
    enum class Step { kDone, kWantsRead, kWantsWrite, kFailed };

    /// `trust` must outlive the link. `host`: the name or address that the certificate must have.
    TlsLink(client::ServerTrust& trust, int socket, std::string host);

    /// Goes on with the handshake.
    [[nodiscard]] Step handshake();
    /// The reason of kFailed in words.
    [[nodiscard]] const std::string& why() const { return why_; }

    /// Like recv: the number of bytes; 0 at the end; -1 with errno, which is EAGAIN when nothing has come.
    [[nodiscard]] ssize_t receive(char* into, std::size_t size);
    /// Like send: the number of bytes that were taken; -1 with errno, which is EAGAIN when the kernel takes none.
    [[nodiscard]] ssize_t send(const char* bytes, std::size_t size);
    /// True when receive() may give bytes although the socket holds none.
    [[nodiscard]] bool has_unread() const;

private:
    struct Free {
        void operator()(SSL* ssl) const { SSL_free(ssl); }
    };

    /// The result for a failed read or write, with errno.
    [[nodiscard]] ssize_t outcome(int result);

    std::unique_ptr<SSL, Free> ssl_;
    std::string host_;
    std::string why_;
};

}  // namespace tulle::load
