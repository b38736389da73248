#include "node/web/refuse_full.hpp"

#include <array>
#include <string_view>

#include <boost/asio/buffer.hpp>
#include <boost/asio/socket_base.hpp>

namespace tulle::node {
namespace {

// "Retry-After: 1" asks the client to come again after a second: the end of any connection makes room.
constexpr std::string_view kAnswer =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

}  // namespace

void refuse_full(Socket& socket) {
    // The buffer lives once for each thread rather than on the stack; the bytes in the buffer are never looked at.
    static thread_local std::array<char, 8u << 10> unread;
    boost::system::error_code ignored;
    // A socket that has just been accepted would wait for bytes.
    socket.non_blocking(true, ignored);
    socket.read_some(boost::asio::buffer(unread), ignored);
    socket.write_some(kAnswer, ignored);
    socket.say_end();
    socket.shutdown(boost::asio::socket_base::shutdown_send, ignored);
}

}  // namespace tulle::node
