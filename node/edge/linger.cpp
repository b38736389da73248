#include "node/edge/linger.hpp"

#include <array>
#include <cerrno>

#include <sys/socket.h>

#include "node/core/limits.hpp"

namespace tulle::node {

bool Linger::begin(int socket) {
    return ::shutdown(socket, SHUT_WR) != 0 || on_readable(socket);
}

bool Linger::on_readable(int socket) {
    static thread_local std::array<char, 64u << 10> scratch;
    while (thrown_away_ < kLingerBytes) {
        const ssize_t got = ::recv(socket, scratch.data(), scratch.size(), MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return errno != EAGAIN && errno != EWOULDBLOCK;
        }
        if (got == 0) {
            return true;
        }
        thrown_away_ += static_cast<std::size_t>(got);
    }
    return true;
}

void reset_on_close(int socket) {
    const linger at_once{1, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

}  // namespace tulle::node
