#include "tests/unit/node/pusher/edge/http_target.hpp"

#include <chrono>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tulle::node::testing {
namespace {

/// Bytes of a whole request at the front of `text`; 0 while some are missing.
std::size_t whole_request(std::string_view text) {
    const std::size_t end = text.find("\r\n\r\n");
    const std::size_t length = text.find("Content-Length: ");
    if (end == std::string_view::npos || length > end) {
        return 0;
    }
    const std::size_t size = end + 4 + std::stoul(std::string(text.substr(length + 16, 10)));
    return text.size() >= size ? size : 0;
}

}  // namespace

HttpTarget::HttpTarget(Answer answer, std::function<void()> at_start)
    : answer_(std::move(answer)), at_start_(std::move(at_start)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_, generic, size), 0);
    EXPECT_EQ(::listen(listener_, 64), 0);
    EXPECT_EQ(::getsockname(listener_, generic, &size), 0);
    port_ = ntohs(address.sin_port);
    stop_ = ::eventfd(0, EFD_CLOEXEC);
    acceptor_ = std::thread([this] { accept_all(); });
}

HttpTarget::~HttpTarget() {
    EXPECT_EQ(::eventfd_write(stop_, 1), 0);
    acceptor_.join();
    for (std::thread& thread : threads_) {
        thread.join();
    }
    ::close(listener_);
    ::close(stop_);
}

void HttpTarget::accept_all() {
    pollfd waits[] = {{listener_, POLLIN, 0}, {stop_, POLLIN, 0}};
    while (::poll(waits, 2, -1) > 0 && waits[1].revents == 0) {
        const int socket = ::accept(listener_, nullptr, nullptr);
        const std::lock_guard lock(mutex_);
        ++connections_;
        threads_.emplace_back([this, socket] { serve(socket); });
    }
}

void HttpTarget::serve(int socket) {
    at_start_();
    std::string text;
    char bytes[65536];
    pollfd waits[] = {{socket, POLLIN, 0}, {stop_, POLLIN, 0}};
    while (::poll(waits, 2, -1) > 0 && waits[1].revents == 0) {
        const ssize_t got = ::recv(socket, bytes, sizeof(bytes), 0);
        if (got <= 0) {
            break;
        }
        text.append(bytes, static_cast<std::size_t>(got));
        while (const std::size_t size = whole_request(text)) {
            const std::string request = text.substr(0, size);
            text.erase(0, size);
            {
                const std::lock_guard lock(mutex_);
                requests_.push_back(request);
            }
            came_.notify_all();
            const std::string answer = answer_(request);
            std::string_view left = answer;
            while (!left.empty()) {
                const ssize_t sent = ::send(socket, left.data(), left.size(), MSG_NOSIGNAL);
                if (sent <= 0) {
                    break;
                }
                left.remove_prefix(static_cast<std::size_t>(sent));
            }
        }
    }
    ::close(socket);
}

std::optional<std::string> HttpTarget::next() {
    std::unique_lock lock(mutex_);
    if (!came_.wait_for(lock, std::chrono::seconds(5), [this] { return !requests_.empty(); })) {
        return std::nullopt;
    }
    std::string request = std::move(requests_.front());
    requests_.pop_front();
    return request;
}

std::size_t HttpTarget::connections() {
    const std::lock_guard lock(mutex_);
    return connections_;
}

}  // namespace tulle::node::testing
