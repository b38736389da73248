#include "node/edge/linger.hpp"

#include <array>
#include <cerrno>

#include <sys/socket.h>

#include "node/core/limits.hpp"

namespace tulle::node {

bool Linger::begin(int socket) {
    // A socket that cannot be shut is broken; otherwise bytes of the peer may already be there.
    return ::shutdown(socket, SHUT_WR) != 0 || on_readable(socket);
}

bool Linger::on_readable(int socket) {
    // The bytes are never looked at, so all connections of a thread share the buffer.
    static thread_local std::array<char, 64u << 10> scratch;
    while (thrown_away_ < kLingerBytes) {
        const ssize_t got = ::recv(socket, scratch.data(), scratch.size(), MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            // An empty socket is waited for; any other error ends the wait.
            return errno != EAGAIN && errno != EWOULDBLOCK;
        }
        // The peer has closed its direction: no unread byte can turn the close into a reset.
        if (got == 0) {
            return true;
        }
        thrown_away_ += static_cast<std::size_t>(got);
    }
    return true;
}

void reset_on_close(int socket) {
    // SO_LINGER with a time of 0: close() sends a reset and drops the bytes.
    const linger at_once{1, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

}  // namespace tulle::node
