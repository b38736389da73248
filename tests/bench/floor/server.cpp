#include "tests/bench/floor/server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "tests/bench/floor/wire.hpp"

namespace tulle::bench::floor {
namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 10;
constexpr std::size_t kTurnEvents = 512;
constexpr int kBacklog = 4096;

int checked(int result, const char* what) {
    if (result < 0) {
        throw std::system_error(errno, std::generic_category(), what);
    }
    return result;
}

std::size_t descriptor(int socket) {
    return static_cast<std::size_t>(socket);
}

}  // namespace

Server::Server(std::uint16_t port, Cadence cadence, Sender& sender)
    : cadence_(cadence), sender_(sender), buffer_(kReadBytes) {
    listener_ = checked(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
    const int on = 1;
    checked(::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "SO_REUSEADDR");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    checked(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
    checked(::listen(listener_, kBacklog), "listen");
    epoll_ = checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    watch(listener_, EPOLLIN, EPOLL_CTL_ADD);
}

Server::~Server() {
    ::close(epoll_);
    ::close(listener_);
}

std::uint16_t Server::port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    checked(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
    return ntohs(address.sin_port);
}

void Server::run() {
    std::array<epoll_event, kTurnEvents> events{};
    for (;;) {
        const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
        if (count < 0 && errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "epoll_wait");
        }
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            if (event.data.fd == listener_) {
                accept_all();
            } else {
                on_ready(event.data.fd, event.events);
            }
        }
        broadcast();
    }
}

void Server::accept_all() {
    for (;;) {
        const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket < 0 && (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)) {
            return;
        }
        checked(socket, "accept");
        const int on = 1;
        checked(::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
        if (peers_.size() <= descriptor(socket)) {
            peers_.resize(descriptor(socket) + 1);
        }
        peers_[descriptor(socket)] = Peer{};
        peers_[descriptor(socket)].role = Role::kStranger;
        watch(socket, EPOLLIN, EPOLL_CTL_ADD);
    }
}

void Server::on_ready(int socket, std::uint32_t events) {
    if ((events & EPOLLOUT) != 0 && peers_[descriptor(socket)].is_late) {
        send_late(socket);
    }
    if ((events & ~std::uint32_t{EPOLLOUT}) != 0 && peers_[descriptor(socket)].role != Role::kNone) {
        read(socket);
    }
}

void Server::read(int socket) {
    const ssize_t got = ::recv(socket, buffer_.data(), buffer_.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    Peer& peer = peers_[descriptor(socket)];
    if (got > 0) {
        peer.in.append(buffer_.data(), static_cast<std::size_t>(got));
    }
    if (got <= 0 || (peer.role == Role::kStranger && !take_head(socket, peer)) ||
        (peer.role != Role::kStranger && !take_frames(socket, peer))) {
        close_peer(socket);
    }
}

bool Server::take_head(int socket, Peer& peer) {
    const std::size_t end = peer.in.find("\r\n\r\n");
    if (end == std::string::npos) {
        return peer.in.size() <= kMaxHeadBytes;
    }
    const auto upgraded = upgrade(std::string_view(peer.in).substr(0, end + 4));
    if (!upgraded || (upgraded->path != "/sub" && upgraded->path != "/pub")) {
        return false;
    }
    peer.in.erase(0, end + 4);
    answer(socket, upgraded->answer);
    if (upgraded->path == "/pub") {
        peer.role = Role::kPublisher;
    } else {
        peer.role = Role::kSubscriber;
        add_ready(socket);
    }
    return true;
}

bool Server::take_frames(int socket, Peer& peer) {
    std::span<char> rest(peer.in);
    Frame frame;
    Progress progress = Progress::kFrame;
    while ((progress = read_frame(rest, frame)) == Progress::kFrame) {
        rest = rest.subspan(frame.size);
        if (frame.opcode == Opcode::kClose) {
            return false;
        }
        if (frame.opcode == Opcode::kPing) {
            std::string pong;
            append_frame(pong, Opcode::kPong, frame.payload);
            answer(socket, pong);
        } else if (frame.opcode == Opcode::kText && peer.role == Role::kPublisher) {
            append_frame(tick_, Opcode::kText, frame.payload);
            if (cadence_ == Cadence::kPerMessage) {
                broadcast();
            }
        }
    }
    peer.in.erase(0, peer.in.size() - rest.size());
    return progress == Progress::kMore;
}

void Server::broadcast() {
    if (tick_.empty()) {
        return;
    }
    for (std::size_t i = late_.size(); i > 0; --i) {  // backwards, as one that has too much leaves the list
        Peer& peer = peers_[descriptor(late_[i - 1])];
        peer.late.append(tick_);
        if (peer.late.size() > kMaxLateBytes) {
            close_peer(late_[i - 1]);
        }
    }
    shorts_.clear();
    sender_.send_all(ready_, tick_, shorts_);
    for (std::size_t i = shorts_.size(); i > 0; --i) {  // backwards: what is removed is replaced from the end
        const Short& rest = shorts_[i - 1];
        const int socket = ready_[rest.position];
        if (rest.error != 0) {
            close_peer(socket);
        } else {
            make_late(socket, std::string_view(tick_).substr(rest.taken));
        }
    }
    tick_.clear();
}

void Server::add_ready(int socket) {
    peers_[descriptor(socket)].position = ready_.size();
    ready_.push_back(socket);
}

void Server::remove_ready(int socket) {
    const std::size_t position = peers_[descriptor(socket)].position;
    ready_[position] = ready_.back();
    peers_[descriptor(ready_[position])].position = position;
    ready_.pop_back();
}

void Server::make_late(int socket, std::string_view rest) {
    Peer& peer = peers_[descriptor(socket)];
    remove_ready(socket);
    peer.is_late = true;
    peer.late.assign(rest);
    late_.push_back(socket);
    watch(socket, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
}

void Server::send_late(int socket) {
    Peer& peer = peers_[descriptor(socket)];
    const ssize_t sent = ::send(socket, peer.late.data(), peer.late.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            close_peer(socket);
        }
        return;
    }
    peer.late.erase(0, static_cast<std::size_t>(sent));
    if (peer.late.empty()) {
        peer.late.shrink_to_fit();
        peer.is_late = false;
        late_.erase(std::find(late_.begin(), late_.end(), socket));
        add_ready(socket);
        watch(socket, EPOLLIN, EPOLL_CTL_MOD);
    }
}

void Server::answer(int socket, std::string_view bytes) {
    Peer& peer = peers_[descriptor(socket)];
    if (peer.is_late) {
        peer.late.append(bytes);
        return;
    }
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    const std::size_t taken = sent < 0 ? 0 : static_cast<std::size_t>(sent);
    if (taken < bytes.size() && peer.role == Role::kSubscriber) {
        make_late(socket, bytes.substr(taken));
    } else if (taken < bytes.size()) {
        ::shutdown(socket, SHUT_RDWR);  // who sends without reading; its end of file closes it
    }
}

void Server::close_peer(int socket) {
    Peer& peer = peers_[descriptor(socket)];
    if (peer.is_late) {
        late_.erase(std::find(late_.begin(), late_.end(), socket));
    } else if (peer.role == Role::kSubscriber) {
        remove_ready(socket);
    }
    peer = Peer{};
    ::close(socket);
}

void Server::watch(int socket, std::uint32_t events, int operation) {
    epoll_event event{};
    event.events = events;
    event.data.fd = socket;
    checked(::epoll_ctl(epoll_, operation, socket, &event), "epoll_ctl");
}

}  // namespace tulle::bench::floor
