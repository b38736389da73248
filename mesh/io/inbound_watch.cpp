#include "mesh/io/inbound_watch.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace tulle::mesh {
namespace {

int open_null() {
    const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        throw std::system_error(errno, std::generic_category(), "/dev/null");
    }
    return fd;
}

/// 0: not a TCP socket.
std::uint16_t local_port_of(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        return 0;
    }
    switch (address.ss_family) {
        case AF_INET: return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
        case AF_INET6: return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
        default: return 0;
    }
}

}  // namespace

ConnectionCutter::ConnectionCutter() : null_(open_null()), hand_(-1) {
    try {
        hand_ = open_null();
    } catch (...) {
        ::close(null_);
        throw;
    }
}

ConnectionCutter::~ConnectionCutter() {
    ::close(hand_);
    ::close(null_);
}

bool ConnectionCutter::cut(int fd, std::uint16_t local_port) {
    if (::dup3(fd, hand_, O_CLOEXEC) < 0) {
        return false;
    }
    const bool is_ours = local_port_of(hand_) == local_port;
    if (is_ours) {
        ::shutdown(hand_, SHUT_RDWR);
    }
    ::dup3(null_, hand_, O_CLOEXEC);
    return is_ours;
}

InboundWatch::InboundWatch(MonitoredSocket& bound, std::uint16_t port, std::size_t limit)
    : bound_(bound), port_(port), limit_(limit) {}

void InboundWatch::collect() {
    while (const auto event = bound_.next()) {
        switch (event->kind) {
            case ZMQ_EVENT_ACCEPTED: accepted(event->value); break;
            case ZMQ_EVENT_DISCONNECTED: disconnected(event->value); break;
            default: break;
        }
        is_unfinished_ = event->kind == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
    }
}

void InboundWatch::accepted(int fd) {
    forget(fd);  // libzmq does not tell of every end
    connections_.emplace(fd, Connection{.number = ++last_number_});
    silent_.emplace(last_number_, fd);
    if (connections_.size() - cut_open_ > limit_) {
        make_room();
    }
}

void InboundWatch::disconnected(int fd) {
    const auto found = connections_.find(fd);
    if (found == connections_.end()) {
        return;
    }
    // Of a connection that goes, or is silent too long, in its handshake libzmq says so first; of one that breaks the protocol not.
    if (found->second.words == 0 && !found->second.is_cut && !is_unfinished_) {
        ++counters_.refused;
    }
    forget(fd);
}

void InboundWatch::make_room() {
    // The newest is among the silent ones, so there is always one.
    while (connections_.size() - cut_open_ > limit_ && !silent_.empty()) {
        cut(silent_.begin()->second);
    }
}

std::size_t InboundWatch::spoke(int fd) {
    auto found = connections_.find(fd);
    if (found == connections_.end()) {
        events().touch();  // libzmq tells that it has come before it passes on what it says
        collect();
        found = connections_.find(fd);
    }
    if (found == connections_.end() || found->second.is_cut) {
        return 0;
    }
    silent_.erase({found->second.number, fd});
    return ++found->second.words;
}

void InboundWatch::cut(int fd) {
    const auto found = connections_.find(fd);
    if (found == connections_.end() || found->second.is_cut) {
        return;
    }
    if (!cutter_.cut(fd, port_)) {
        forget(fd);  // has ended before
        return;
    }
    ++counters_.cut;
    ++cut_open_;
    found->second.is_cut = true;
    silent_.erase({found->second.number, fd});
}

void InboundWatch::forget(int fd) {
    const auto found = connections_.find(fd);
    if (found == connections_.end()) {
        return;
    }
    cut_open_ -= found->second.is_cut ? 1U : 0U;
    silent_.erase({found->second.number, fd});
    connections_.erase(found);
}

}  // namespace tulle::mesh
