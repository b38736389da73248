#include "node/edge/outbox_writer.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <exception>
#include <vector>

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "node/edge/uring_writer.hpp"

namespace tulle::node {
namespace {

// The most ranges in a gathered send; a longer outbox takes several sends.
constexpr std::size_t kMaxParts = 64;
// Never waits, and a closed connection is an error instead of SIGPIPE.
constexpr int kSendFlags = MSG_DONTWAIT | MSG_NOSIGNAL;

// Sends the first kMaxParts ranges of the outbox in a system call.
ssize_t send_gathered(int socket, const Outbox& outbox) {
    static thread_local std::vector<std::string_view> parts;
    outbox.gather(kMaxParts, parts);
    // Not initialized: only the used entries are set.
    std::array<iovec, kMaxParts> vectors;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        vectors[i] = {const_cast<char*>(parts[i].data()), parts[i].size()};
    }
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = parts.size();
    return ::sendmsg(socket, &message, kSendFlags);
}

/// Calls the kernel without glibc's wrapper. send_now never waits, and needs no cancellation point, on which the
/// wrapper spends some 45 instructions.
ssize_t send_now(int socket, const char* data, std::size_t size) {
    return ::syscall(SYS_sendto, socket, data, size, kSendFlags, nullptr, 0);
}

// A single range needs no list of parts.
ssize_t send_once(int socket, const Outbox& outbox) {
    if (!outbox.has_one_part()) {
        return send_gathered(socket, outbox);
    }
    const std::string_view bytes = outbox.front();
    return send_now(socket, bytes.data(), bytes.size());
}

// Writes with a system call for each connection.
class SendWriter final : public OutboxWriter {
public:
    std::uint64_t write(std::span<WriteJob> jobs) override {
        std::uint64_t bytes = 0;
        for (WriteJob& job : jobs) {
            if (job.whole.size == 0) {
                bytes += write_rest(job);
                continue;
            }
            const std::string_view whole = job.whole.view();
            bytes += finish(job, send_now(job.socket, whole.data(), whole.size()));
        }
        return bytes;
    }
};

}  // namespace

Written write_outbox(int socket, Outbox& outbox) {
    while (!outbox.empty()) {
        const ssize_t sent = send_once(socket, outbox);
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

std::size_t write_rest(WriteJob& job) {
    const std::size_t before = job.outbox->bytes();
    try {
        job.written = write_outbox(job.socket, *job.outbox);
    } catch (const std::exception&) {
        // No memory for the list of parts: this connection ends, and the jobs of other connections go on.
        job.written = Written::kBroken;
    }
    return before - job.outbox->bytes();
}

std::size_t put_back(WriteJob& job, std::size_t sent) {
    job.outbox->put_back(std::move(job.whole), sent);
    return sent + write_rest(job);
}

std::unique_ptr<OutboxWriter> make_outbox_writer(FlushMode mode) {
    if (mode == FlushMode::kUring) {
        if (auto writer = UringWriter::make()) {
            return writer;
        }
        spdlog::debug("io_uring is not permitted here: connections are written to one by one");
    }
    return std::make_unique<SendWriter>();
}

}  // namespace tulle::node
