#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "tools/load/swarm.hpp"

// The part of Swarm that works once connections stand: reading, writing and waiting.
namespace tulle::load {
namespace {

/// Bytes of a publisher's output. With more waiting for the kernel, can_write() is false until the kernel has taken
/// some.
constexpr std::size_t kMaxBacklog = std::size_t{256} * 1024;

/// Extras kept for reuse; a further Extra is freed. Bounds the memory left behind by a burst.
constexpr std::size_t kMaxSpare = 1'024;

/// A duration for the kernel; a negative duration is 0.
timespec to_timespec(Duration duration) {
    const Duration::rep ticks = std::max<Duration::rep>(duration.count(), 0);
    return {.tv_sec = ticks / 1'000'000'000, .tv_nsec = ticks % 1'000'000'000};
}

}  // namespace

std::size_t Swarm::poll(Instant until, int most) {
    const timespec timeout = to_timespec(until - monotonic_now());
    const int ready = ::epoll_pwait2(epoll_.get(), events_.data(), std::min(most, kEventsAtOnce), &timeout, nullptr);
    for (int i = 0; i < ready; ++i) {
        const epoll_event event = events_[static_cast<std::size_t>(i)];
        on_event(event.data.u32, event.events);
    }
    return ready > 0 ? static_cast<std::size_t>(ready) : 0;
}

void Swarm::rest(Duration time) const {
    epoll_event none{};
    const timespec timeout = to_timespec(time);
    // An epoll without connections sleeps exactly as long as asked. A signal may end the rest early.
    ::epoll_pwait2(nothing_.get(), &none, 1, &timeout, nullptr);
}

void Swarm::on_event(std::uint32_t index, std::uint32_t events) {
    const State state = connections_[index].state;
    if (state == State::kConnecting) {
        return on_connected(index);
    }
    if (state == State::kSecuring) {
        return secure(index);
    }
    // Writing may fail and close the connection, so the state is looked at again before reading.
    if ((events & EPOLLOUT) != 0 && state != State::kClosed) {
        write_out(index);
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && connections_[index].state != State::kClosed) {
        read(index);
    }
}

void Swarm::read(std::uint32_t index) {
    // epoll tells nothing of bytes that TLS has read ahead.
    while (read_once(index) && connections_[index].tls && connections_[index].tls->has_unread()) {
    }
}

bool Swarm::read_once(std::uint32_t index) {
    Connection& connection = connections_[index];
    std::size_t held = 0;
    // An incomplete piece goes to the beginning of the buffer, so that the piece and the new bytes stand in a row.
    if (connection.extra) {
        held = connection.extra->held.size();
        std::memcpy(buffer_.data(), connection.extra->held.data(), held);
    }
    char* const into = buffer_.data() + held;
    const std::size_t room = buffer_.size() - held;
    const ssize_t got =
        connection.tls ? connection.tls->receive(into, room) : ::recv(connection.socket.get(), into, room, 0);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            fail(index, got == 0 ? "the server has closed it" : std::strerror(errno));
        }
        return false;
    }
    // A single look at the clock for all messages of a read: they have arrived together.
    const Instant now = monotonic_now();
    const std::size_t size = held + static_cast<std::size_t>(got);
    std::size_t done = connection.state == State::kOpening ? advance_opening(index, size) : 0;
    if (connection.state == State::kReady) {
        // The framing is a template argument, so that the loop over pieces has no branch on the framing.
        switch (connection.framing) {
            case Framing::kWebSocket:
                done = read_pieces<Framing::kWebSocket>(index, done, size, now);
                break;
            case Framing::kRedis:
                done = read_pieces<Framing::kRedis>(index, done, size, now);
                break;
            case Framing::kNats:
                done = read_pieces<Framing::kNats>(index, done, size, now);
                break;
            case Framing::kHttp:
                done = read_pieces<Framing::kHttp>(index, done, size, now);
                break;
        }
    }
    if (connection.state == State::kClosed) {
        return false;
    }
    // The rest is an incomplete piece.
    if (done < size) {
        extra_of(connection).held.assign(buffer_.data() + done, size - done);
    } else if (connection.extra) {
        connection.extra->held.clear();
        release_extra(connection);
    }
    return true;
}

template <Framing F>
std::size_t Swarm::read_pieces(std::uint32_t index, std::size_t done, std::size_t size, Instant now) {
    Connection& connection = connections_[index];
    while (done < size) {
        const Piece piece = next_piece(F, buffer_.data() + done, size - done);
        if (piece.kind == Piece::Kind::kMore) {
            break;
        }
        if (piece.kind == Piece::Kind::kBad) {
            fail(index, "the server sends what is not of its protocol");
            return size;
        }
        done += piece.size;
        // The fast path: a message of this run.
        if (piece.kind == Piece::Kind::kMessage && ledger_.take(connection.receiver, piece.text, now)) {
            continue;
        }
        on_other(index, piece);
        if (connection.state == State::kClosed) {
            return size;
        }
    }
    return done;
}

void Swarm::on_other(std::uint32_t index, const Piece& piece) {
    Connection& connection = connections_[index];
    // Every response is an answer to a publish; the dialect has no part in counting.
    if (connection.framing == Framing::kHttp) {
        return on_answer(connection, piece);
    }
    Extra& extra = extra_of(connection);
    std::string complaint;
    dialect_.on_other(piece, extra.out, complaint);
    if (!complaint.empty()) {
        complain(complaint);
    }
    if (!extra.out.empty()) {
        write_out(index);
    }
}

void Swarm::on_answer(Connection& connection, const Piece& piece) {
    if (!connection.awaits_answer) {
        return complain("an answer that nobody had asked for");
    }
    connection.awaits_answer = false;
    --unanswered_;
    if (piece.text.starts_with("HTTP/1.1 200")) {
        ++answered_;
    } else {
        complain("a publish was answered with: " + std::string(piece.text));
    }
}

bool Swarm::can_write(std::uint32_t publisher) const {
    const Connection& connection = connections_[plan_.subscribers + publisher];
    return connection.state == State::kReady && !connection.awaits_answer &&
           (!connection.extra || connection.extra->out.size() - connection.extra->sent < kMaxBacklog);
}

void Swarm::append_message(std::uint32_t publisher, std::uint32_t channel, std::string_view text) {
    Extra& extra = extra_of(connections_[plan_.subscribers + publisher]);
    dialect_.append_message(dialect_.messages_per_request() > 0 ? extra.messages : extra.out, channel, text);
}

void Swarm::flush(std::uint32_t publisher) {
    const std::uint32_t index = plan_.subscribers + publisher;
    Connection& connection = connections_[index];
    Extra& extra = extra_of(connection);
    // A dialect with requests wraps all appended messages in a single request, and the publisher waits for the answer.
    if (!extra.messages.empty()) {
        dialect_.append_request(extra.out, extra.messages, address_of(index).text);
        extra.messages.clear();
        connection.awaits_answer = true;
        ++unanswered_;
    }
    if (!extra.out.empty()) {
        write_out(index);
    }
}

void Swarm::write_out(std::uint32_t index) {
    Connection& connection = connections_[index];
    if (!connection.extra) {
        return watch(index, false);
    }
    Extra& extra = *connection.extra;
    while (extra.sent < extra.out.size()) {
        const char* const from = extra.out.data() + extra.sent;
        const std::size_t left = extra.out.size() - extra.sent;
        const ssize_t sent = connection.tls ? connection.tls->send(from, left)
                                            : ::send(connection.socket.get(), from, left, MSG_NOSIGNAL);
        if (sent < 0) {
            // The kernel's buffer is full: epoll tells when there is room.
            if (errno == EAGAIN) {
                return watch(index, true);
            }
            if (errno != EINTR) {
                return fail(index, std::strerror(errno));
            }
            continue;
        }
        extra.sent += static_cast<std::size_t>(sent);
    }
    extra.out.clear();
    extra.sent = 0;
    watch(index, false);
    release_extra(connection);
}

void Swarm::watch(std::uint32_t index, bool write) {
    Connection& connection = connections_[index];
    // No system call for an unchanged wish.
    if (connection.wants_write == write) {
        return;
    }
    connection.wants_write = write;
    epoll_event event{.events = EPOLLIN | (write ? static_cast<std::uint32_t>(EPOLLOUT) : 0U), .data = {.u32 = index}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, connection.socket.get(), &event);
}

Swarm::Extra& Swarm::extra_of(Connection& connection) {
    if (!connection.extra) {
        if (spare_.empty()) {
            connection.extra = std::make_unique<Extra>();
        } else {
            connection.extra = std::move(spare_.back());
            spare_.pop_back();
        }
    }
    return *connection.extra;
}

// Publishers keep their extra, as they write all the time. A subscriber keeps the extra as long as bytes are in there.
void Swarm::release_extra(Connection& connection) {
    const bool idle = connection.state == State::kReady && connection.role == Role::kSubscriber &&
                      connection.extra->held.empty() && connection.extra->out.empty();
    if (!idle) {
        return;
    }
    if (spare_.size() < kMaxSpare) {
        spare_.push_back(std::move(connection.extra));
    }
    connection.extra.reset();
}

}  // namespace tulle::load
