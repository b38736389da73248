#include "node/io/outbox_writer.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <string_view>
#include <vector>

#include <sys/socket.h>
#include <sys/uio.h>

namespace tulle::node {
namespace {

constexpr std::size_t kMaxParts = 64;  // ranges in one gathered send

ssize_t send_gathered(int socket, const std::vector<std::string_view>& parts) {
    std::array<iovec, kMaxParts> vectors{};
    for (std::size_t i = 0; i < parts.size(); ++i) {
        vectors[i] = {const_cast<char*>(parts[i].data()), parts[i].size()};
    }
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = parts.size();
    return ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

Written write_outbox(int socket, Outbox& outbox) {
    static thread_local std::vector<std::string_view> parts;
    while (!outbox.empty()) {
        outbox.gather(kMaxParts, parts);
        const ssize_t sent = send_gathered(socket, parts);
        if (sent >= 0) {
            outbox.on_sent(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return Written::kBlocked;
        } else if (errno != EINTR) {
            return Written::kBroken;
        }
    }
    return Written::kAll;
}

}  // namespace tulle::node
