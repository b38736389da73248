#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "mesh/io/steady_now.hpp"
#include "mesh/io/wake_fd.hpp"
#include "mesh/io/zmq_transport.hpp"

namespace tulle::mesh {

/// A plain TCP connection to a port of this machine.
class RawClient {
public:
    explicit RawClient(const std::string& address) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const NumericAddress target = numeric(parse_host_port(address).value()).value();
        EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&target.storage), target.size), 0)
            << std::strerror(errno);
    }
    ~RawClient() { ::close(fd_); }
    RawClient(RawClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    RawClient& operator=(RawClient&&) = delete;

    void send(std::string_view bytes) const {
        static_cast<void>(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    }

    /// As much of it as goes without waiting; how much that was.
    [[nodiscard]] std::size_t send_now(std::string_view bytes) const {
        const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return static_cast<std::size_t>(std::max<ssize_t>(0, sent));
    }

    /// The other side has closed it. Reads away what came before.
    [[nodiscard]] bool is_closed() const {
        char buffer[4096];
        while (true) {
            const ssize_t count = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
            if (count == 0 || (count < 0 && errno != EAGAIN)) {
                return true;
            }
            if (count < 0) {
                return false;
            }
            received_ += static_cast<std::size_t>(count);
        }
    }

    /// Bytes that is_closed has read away.
    [[nodiscard]] std::size_t received() const { return received_; }

private:
    int fd_;
    mutable std::size_t received_ = 0;
};

/// A transport by itself, driven by the test.
class LoneTransport {
public:
    explicit LoneTransport(TransportLimits limits = {}) : LoneTransport(KeyRing(), limits) {}
    explicit LoneTransport(const KeyRing& keys, TransportLimits limits = {})
        : transport("127.0.0.1:0", "127.0.0.1:0", wake, keys, limits) {}

    /// One turn; waits for at most 20 ms.
    void turn() {
        transport.wait(transport.has_more() ? 0ms : 20ms);
        transport.collect(steady_now(), inputs);
    }

    template <class T>
    [[nodiscard]] std::size_t count() const {
        std::size_t found = 0;
        for (const Input& input : inputs) {
            found += std::holds_alternative<T>(input) ? 1U : 0U;
        }
        return found;
    }

    WakeFd wake;
    ZmqTransport transport;
    std::vector<Input> inputs;
};

/// Gives each of them turns until it holds, for at most 10 s.
inline bool eventually(const std::vector<LoneTransport*>& transports, const std::function<bool()>& holds) {
#ifdef __SANITIZE_THREAD__
    constexpr Duration kPatience = 60s;  // everything takes ten times as long
#else
    constexpr Duration kPatience = 10s;
#endif
    const Instant until = steady_now() + kPatience;
    while (!holds()) {
        if (steady_now() > until) {
            return false;
        }
        for (LoneTransport* transport : transports) {
            transport->turn();
        }
    }
    return true;
}

inline Control some_knock() {
    Introduction who{.cluster = "c",
                     .name = "n",
                     .version = "1",
                     .endpoints = {"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"},
                     .oldest_protocol = kOldestProtocolVersion,
                     .newest_protocol = kProtocolVersion};
    return {.src = OriginId{7}, .dst = {}, .tag = {}, .body = Knock{.who = std::move(who), .dialled = {}}};
}

}  // namespace tulle::mesh
