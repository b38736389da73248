// The watch never touches libzmq's state. Its knowledge comes from three sources: the socket's monitor (connections),
// the hub (bytes taken out), and the kernel (TCP_INFO and FIONREAD of each connection). The descriptors belong to
// libzmq and may be closed and reused at any time, so each use of a descriptor tolerates a descriptor of something
// else.
#include "mesh/io/inbound_watch.hpp"

#include <fcntl.h>
#include <linux/tcp.h>  // as the C library's tcp_info ends before tcpi_bytes_received
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "mesh/base/assert.hpp"

namespace tulle::mesh {
namespace {

/// The most bytes of framing for one message part: a flag and an eight-byte length, and in CURVE the name of the
/// command, a nonce, the code that authenticates, and the inner flag (33 bytes). Counting the most makes `taken` too
/// large rather than too small, so an honest peer is never ended by mistake.
constexpr std::size_t kFrameBytes = 9 + 33;

/// An allowance for libzmq's own PING and PONG (16 bytes a second, 82 in CURVE), received by the kernel but never taken
/// out by the hub.
constexpr std::uint64_t kUntakenBytesPerSecond = 160;

/// A descriptor to hold in reserve.
int open_null() {
    const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        throw std::system_error(errno, std::generic_category(), "/dev/null");
    }
    return fd;
}

/// The local port of a TCP socket, or 0 for any other descriptor.
std::uint16_t local_port_of(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        return 0;
    }
    switch (address.ss_family) {
        case AF_INET:
            return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
        case AF_INET6:
            return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
        default:
            return 0;
    }
}

/// The other side's address, or nothing when the connection has ended.
std::string address_of(int fd) {
    NumericAddress address;
    address.size = sizeof address.storage;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0) {
        return {};
    }
    return address.text();
}

/// All bytes received by the kernel for the connection so far, in order. Nothing for a descriptor not naming a TCP
/// connection any more.
std::optional<std::uint64_t> received_by(int fd) {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
        return std::nullopt;
    }
    return info.tcpi_bytes_received;
}

/// The bytes still held by the kernel.
std::uint64_t unread_of(int fd) {
    int unread = 0;
    return ::ioctl(fd, FIONREAD, &unread) == 0 && unread > 0 ? static_cast<std::uint64_t>(unread) : 0;
}

}  // namespace

ConnectionCutter::ConnectionCutter() : null_(open_null()), hand_(-1) {
    try {
        hand_ = open_null();
    } catch (...) {
        // A destructor does not run for a half-made object.
        ::close(null_);
        throw;
    }
}

ConnectionCutter::~ConnectionCutter() {
    ::close(hand_);
    ::close(null_);
}

bool ConnectionCutter::cut(int fd, std::uint16_t local_port) {
    // After dup3, libzmq may close `fd` at any time without effect on `hand_`.
    if (::dup3(fd, hand_, O_CLOEXEC) < 0) {
        return false;
    }
    const bool is_ours = local_port_of(hand_) == local_port;
    if (is_ours) {
        // A shutdown acts on the connection itself, so libzmq sees an end of the stream and closes its descriptor.
        ::shutdown(hand_, SHUT_RDWR);
    }
    // Lets go of the connection, and keeps the descriptor for the next cut.
    ::dup3(null_, hand_, O_CLOEXEC);
    return is_ours;
}

InboundWatch::InboundWatch(MonitoredSocket& bound, std::uint16_t port, Limits limits)
    : bound_(bound), port_(port), limits_(limits) {}

void InboundWatch::collect() {
    while (const auto event = bound_.next()) {
        switch (event->kind) {
            case ZMQ_EVENT_LISTENING:
                forget_all();
                break;
            case ZMQ_EVENT_ACCEPTED:
                accepted(event->value);
                break;
            case ZMQ_EVENT_DISCONNECTED:
                disconnected(event->value);
                break;
            default:
                break;
        }
        is_unfinished_ = event->kind == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
    }
}

void InboundWatch::accepted(int fd) {
    // libzmq does not report every end, so the descriptor may still stand for an older connection.
    forget(fd);
    connections_.emplace(fd, Connection{.number = ++last_number_, .address = address_of(fd)});
    silent_.emplace(last_number_, fd);
    make_room();
}

void InboundWatch::disconnected(int fd) {
    const auto found = connections_.find(fd);
    if (found == connections_.end()) {
        return;
    }
    // After an end or a timeout in the handshake, libzmq reports a failed handshake first. After a breach of the
    // protocol libzmq reports only the end.
    if (found->second.words == 0 && !found->second.is_cut && !is_unfinished_) {
        ++counters_.refused;
        counters_.last_refused = std::move(found->second.address);
    }
    forget(fd);
}

void InboundWatch::make_room() {
    // The newest connection is silent, so a silent connection always exists.
    while (silent_.size() > limits_.silent ||
           (connections_.size() - cut_open_ > limits_.connections && !silent_.empty())) {
        cut(silent_.begin()->second);
    }
}

std::map<int, InboundWatch::Connection>::iterator InboundWatch::find(int fd) {
    if (const auto found = connections_.find(fd); found != connections_.end()) {
        return found;
    }
    // libzmq reports a connection before passing on the connection's messages, so the report must be there by now.
    events().touch();
    collect();
    return connections_.find(fd);
}

std::size_t InboundWatch::spoke(int fd) {
    const auto found = find(fd);
    if (found == connections_.end() || found->second.is_cut) {
        return 0;
    }
    silent_.erase({found->second.number, fd});
    return ++found->second.words;
}

void InboundWatch::note_key(int fd, std::string key) {
    if (const auto found = connections_.find(fd); found != connections_.end()) {
        found->second.key = std::move(key);
    }
}

std::map<std::string, std::size_t> InboundWatch::keys() const {
    std::map<std::string, std::size_t> keys;
    for (const auto& [fd, connection] : connections_) {
        if (!connection.key.empty() && !connection.is_cut) {
            ++keys[connection.key];
        }
    }
    return keys;
}

void InboundWatch::forget_all() {
    while (!connections_.empty()) {
        forget(connections_.begin()->first);
    }
    TULLE_ASSERT(silent_.empty() && cut_open_ == 0 && waiting_ == 0 && unfinished_ == 0);
}

void InboundWatch::took(int fd, std::size_t bytes) {
    if (const auto found = connections_.find(fd); found != connections_.end()) {
        found->second.taken += bytes + kFrameBytes;
    }
}

bool InboundWatch::is_cut(int fd) const {
    const auto found = connections_.find(fd);
    return found != connections_.end() && found->second.is_cut;
}

Instant InboundWatch::look_at() const {
    // With little waiting, four looks a second suffice. Under load a look is due as often as allowed.
    const bool is_busy = waiting_ > limits_.waiting_bytes / 64;
    return connections_.empty() ? Instant::max() : looked_at_ + (is_busy ? kBetweenLooks : kLongestPause);
}

bool InboundWatch::look(Instant now) {
    if (now < looked_at_ + kBetweenLooks) {
        return false;
    }
    looked_at_ = now;
    // Cutting changes `connections_`, so the loop only collects the descriptors.
    std::vector<int> over;
    auto at = connections_.lower_bound(next_looked_);
    for (std::size_t i = 0; i < std::min(kMostLooked, connections_.size()); ++i) {
        // The round continues at the beginning after the last connection.
        at = at == connections_.end() ? connections_.begin() : at;
        if (!at->second.is_cut) {
            look(now, at->first, at->second);
            if (at->second.waiting > limits_.waiting_bytes || at->second.unfinished > limits_.unfinished_bytes) {
                over.push_back(at->first);
            }
        }
        ++at;
    }
    next_looked_ = at == connections_.end() ? 0 : at->first;
    for (const int fd : over) {
        cut(fd);
    }
    // Single connections may stay below their bound and still be too much together.
    while (waiting_ > kTotalFactor * limits_.waiting_bytes) {
        cut_largest(&Connection::waiting);
    }
    while (unfinished_ > kUnfinishedFactor * limits_.unfinished_bytes) {
        cut_largest(&Connection::unfinished);
    }
    return true;
}

void InboundWatch::look(Instant now, int fd, Connection& connection) {
    const std::optional<std::uint64_t> received = received_by(fd);
    if (!received) {
        // The connection has ended; the monitor will report the end.
        return;
    }
    // Asked after the received bytes: bytes arriving between the two calls make `read` smaller, never larger.
    const std::uint64_t unread = unread_of(fd);
    const std::uint64_t silence =
        static_cast<std::uint64_t>((now - connection.looked_at) / 1ms) * kUntakenBytesPerSecond / 1000;
    // The allowance begins with the second look, because the first look has no time to count from.
    const std::uint64_t gone = std::exchange(connection.taken, 0) + (connection.looked_at == Instant{} ? 0 : silence);
    // The kernel's counter of a reused descriptor may be smaller than the remembered value.
    const std::uint64_t come = connection.waiting + (*received - std::min(*received, connection.received));
    waiting_ -= connection.waiting;
    connection.waiting = come - std::min(come, gone);
    waiting_ += connection.waiting;
    connection.received = *received;
    connection.looked_at = now;
    // Since the last look a receive has found nothing: every whole message is out. The bytes read by libzmq before and
    // still not taken out belong to a message without an end.
    if (limits_.unfinished_bytes != 0 && std::exchange(connection.drains, drains_) != drains_) {
        unfinished_ -= connection.unfinished;
        connection.unfinished = connection.read - std::min(connection.read, gone);
        unfinished_ += connection.unfinished;
    }
    // The difference to `waiting` is still in the kernel.
    connection.read = connection.waiting - std::min(connection.waiting, unread);
}

void InboundWatch::cut_largest(std::uint64_t Connection::*by) {
    const auto largest = std::max_element(connections_.begin(), connections_.end(),
                                          [by](const auto& a, const auto& b) { return a.second.*by < b.second.*by; });
    cut(largest->first);
}

void InboundWatch::cut(int fd) {
    const auto found = connections_.find(fd);
    if (found == connections_.end() || found->second.is_cut) {
        return;
    }
    if (!cutter_.cut(fd, port_)) {
        // The connection has ended before the cut.
        forget(fd);
        return;
    }
    ++counters_.cut;
    ++cut_open_;
    // Bytes of a cut connection are about to be freed, so the sums must not count the bytes.
    waiting_ -= std::exchange(found->second.waiting, 0);
    unfinished_ -= std::exchange(found->second.unfinished, 0);
    found->second.is_cut = true;
    silent_.erase({found->second.number, fd});
}

void InboundWatch::cut_latest(int fd) {
    // find() reads the monitor if needed.
    static_cast<void>(find(fd));
    cut(fd);
}

void InboundWatch::forget(int fd) {
    const auto found = connections_.find(fd);
    if (found == connections_.end()) {
        return;
    }
    cut_open_ -= found->second.is_cut ? 1U : 0U;
    waiting_ -= found->second.waiting;
    unfinished_ -= found->second.unfinished;
    silent_.erase({found->second.number, fd});
    connections_.erase(found);
}

}  // namespace tulle::mesh
