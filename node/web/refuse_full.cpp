#include "node/web/refuse_full.hpp"

#include <array>
#include <string_view>

#include <sys/socket.h>

namespace tulle::node {
namespace {

// "Retry-After: 1" asks the client to come again after a second: the end of any connection makes room.
constexpr std::string_view kAnswer =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

}  // namespace

void refuse_full(int socket) {
    // The buffer lives once for each thread rather than on the stack; the bytes in the buffer are never looked at.
    static thread_local std::array<char, 8u << 10> unread;
    [[maybe_unused]] const ssize_t got = ::recv(socket, unread.data(), unread.size(), MSG_DONTWAIT);
    [[maybe_unused]] const ssize_t sent = ::send(socket, kAnswer.data(), kAnswer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    ::shutdown(socket, SHUT_WR);
}

}  // namespace tulle::node
