#include "tools/chaos/hook_sink.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <boost/json.hpp>

namespace tulle::chaos {
namespace {

namespace json = boost::json;

/// Keeps a mistaken sender from filling the memory.
constexpr std::size_t kMaxRequestBytes = std::size_t{1} << 20;
/// Spelled as libcurl, the nodes' HTTP client, writes the header.
constexpr std::string_view kLength = "Content-Length: ";
/// Accepts every request and keeps the connection open.
constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// Throws the system's error, with errno as the last call left errno.
[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

/// Bytes of head and body of the first request in the buffer. Zeros: the head is not complete.
std::pair<std::size_t, std::size_t> sizes_of(std::string_view buffer) {
    const std::size_t end = buffer.find("\r\n\r\n");
    if (end == std::string_view::npos) {
        return {0, 0};
    }
    std::size_t body = 0;
    const std::size_t length = buffer.substr(0, end).find(kLength);
    if (length != std::string_view::npos) {
        std::from_chars(buffer.data() + length + kLength.size(), buffer.data() + end, body);
    }
    return {end + 4, body};
}

}  // namespace

HookSink::HookSink(const std::string& host, Recorder& recorder)
    : recorder_(recorder),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
    socklen_t size = sizeof address;
    if (listener_.get() < 0 || wake_.get() < 0 ||
        ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::listen(listener_.get(), SOMAXCONN) != 0 ||
        ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        fail("a backend for webhooks");
    }
    url_ = "http://" + host + ":" + std::to_string(ntohs(address.sin_port)) + "/";
    thread_ = std::thread([this] { run(); });
}

HookSink::~HookSink() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
    thread_.join();
    for (const auto& [fd, buffer] : connections_) {
        ::close(fd);
    }
}

void HookSink::run() {
    for (;;) {
        std::vector<pollfd> fds{{wake_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
        for (const auto& [fd, buffer] : connections_) {
            fds.push_back({fd, POLLIN, 0});
        }
        ::poll(fds.data(), fds.size(), -1);
        if (fds[0].revents != 0) {
            return;
        }
        // Entries from the third on are connections. New connections are accepted afterwards, so that fds and
        // connections_ agree here.
        for (std::size_t i = 2; i < fds.size(); ++i) {
            if (fds[i].revents != 0 && !read_from(fds[i].fd, connections_[fds[i].fd])) {
                ::close(fds[i].fd);
                connections_.erase(fds[i].fd);
            }
        }
        if (fds[1].revents != 0) {
            accept_one();
        }
    }
}

void HookSink::accept_one() {
    const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) {
        connections_.emplace(fd, std::string());
    }
}

bool HookSink::read_from(int fd, std::string& buffer) {
    std::array<char, 16'384> bytes{};
    const ssize_t got = ::recv(fd, bytes.data(), bytes.size(), 0);
    if (got <= 0) {
        return false;
    }
    buffer.append(bytes.data(), static_cast<std::size_t>(got));
    for (;;) {
        // A buffer may hold several requests, or a part of a request. Only a part counts against the limit.
        const auto [head, body] = sizes_of(buffer);
        if (head == 0 || buffer.size() < head + body) {
            return buffer.size() <= kMaxRequestBytes;
        }
        take(buffer.substr(head, body));
        buffer.erase(0, head + body);
        if (::send(fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL) < 0) {
            return false;
        }
    }
}

void HookSink::take(const std::string& body) {
    json::error_code error;
    const json::value value = json::parse(body, error);
    const json::value* events = !error && value.is_object() ? value.get_object().if_contains("events") : nullptr;
    if (events == nullptr || !events->is_array()) {
        return;
    }
    for (const json::value& item : events->get_array()) {
        const json::object* object = item.if_object();
        const json::value* name = object != nullptr ? object->if_contains("name") : nullptr;
        const json::value* channel = object != nullptr ? object->if_contains("channel") : nullptr;
        // Events without a channel are none of the kinds that the nodes are configured to send.
        if (name != nullptr && channel != nullptr && name->is_string() && channel->is_string()) {
            chaos::Event event;
            event.kind = EventKind::kHook;
            event.text = json::value_to<std::string>(*name);
            event.interest = json::value_to<std::string>(*channel);
            recorder_.add(std::move(event));
        }
    }
}

}  // namespace tulle::chaos
