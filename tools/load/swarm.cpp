#include "tools/load/swarm.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <utility>

namespace tulle::load {
namespace {

/// Room for an incomplete piece, and as much again to read.
constexpr std::size_t kBufferBytes = 2 * kMaxPieceBytes;
/// Ten times a second, and the longest wait without a look at timeouts.
constexpr Duration kConnectProgressInterval = 100ms;
/// For the standard streams, the epolls, and the files and descriptors of the rest of the program.
constexpr std::uint32_t kSpareDescriptors = 32;

/// Throws std::runtime_error on a system without a wait exact to a nanosecond. A millisecond is an age for an open
/// loop.
void expect_exact_waits(int epoll) {
    epoll_event event{};
    const timespec none{};
    if (::epoll_pwait2(epoll, &event, 1, &none, nullptr) < 0 && errno == ENOSYS) {
        throw std::runtime_error("this system has no epoll_pwait2 (Linux 5.11 has)");
    }
}

/// Raises the soft limit to the hard limit. Throws std::invalid_argument when even the hard limit is too low.
void allow_descriptors(std::uint32_t connections) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    if (std::uint64_t{connections} + kSpareDescriptors > limit.rlim_max) {
        throw std::invalid_argument(std::to_string(connections) +
                                    " connections need more descriptors than this process may have (" +
                                    std::to_string(limit.rlim_max) + ", ulimit -Hn)");
    }
}

}  // namespace

Instant monotonic_now() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return Instant(std::chrono::seconds(now.tv_sec) + Duration(now.tv_nsec));
}

Swarm::Swarm(const Dialect& dialect, const Plan& plan, SwarmConfig config)
    : dialect_(dialect),
      plan_(plan),
      config_(std::move(config)),
      ledger_(plan),
      at_once_(dialect.messages_per_request() == 0 ? ~std::uint32_t{0} : dialect.messages_per_request()),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      nothing_(::epoll_create1(EPOLL_CLOEXEC)),
      connections_(total()),
      buffer_(kBufferBytes),
      events_(kEventsAtOnce) {
    allow_descriptors(total());
    expect_exact_waits(epoll_.get());
    // An open loop must wake when a message is due, not 50 us later, as the kernel's default allows.
    ::prctl(PR_SET_TIMERSLACK, 1);
    for (const std::string& at : config_.subscribe_at) {
        subscribe_at_.push_back(resolve(at));
    }
    for (const std::string& at : config_.publish_at) {
        publish_at_.push_back(resolve(at));
    }
    for (const std::string& source : config_.source_addresses) {
        sources_.push_back(resolve_source(source));
    }
    if ((plan_.subscribers > 0 && subscribe_at_.empty()) || (plan_.publishers > 0 && publish_at_.empty())) {
        throw std::runtime_error("no address to connect to");
    }
    // Subscribers come first, so the index of a connection tells its role.
    for (std::uint32_t index = 0; index < total(); ++index) {
        Connection& connection = connections_[index];
        connection.role = index < plan_.subscribers ? Role::kSubscriber : Role::kPublisher;
        connection.framing = dialect_.framing(connection.role);
        if (connection.role == Role::kSubscriber) {
            connection.receiver = ledger_.add_receiver(plan_.first_channel(index), plan_.subscriptions_each);
        } else if (plan_.publishers_hear && plan_.publishers > plan_.published_channels) {
            // Publishers that share a channel hear each other, so they are receivers as well.
            connection.receiver = ledger_.add_receiver(plan_.channel_of(index - plan_.subscribers), 1);
        }
    }
}

Swarm::~Swarm() = default;

Swarm::Complaints Swarm::take_complaints() {
    return std::exchange(complaints_, {});
}

void Swarm::complain(const std::string& what) {
    if (complaints_.count++ == 0) {
        complaints_.first = what;
    }
}

ConnectReport Swarm::connect(const std::function<bool(std::uint32_t, std::uint32_t)>& progress) {
    ConnectReport report;
    report_ = &report;
    const Instant start = monotonic_now();
    Instant next_progress = start;
    // Begins are spread evenly when a rate is given.
    const Duration interval = config_.connects_per_second > 0
                                  ? Duration(static_cast<Duration::rep>(1e9 / config_.connects_per_second))
                                  : Duration::zero();
    std::uint32_t begun = 0;
    while (report.ready + report.failed < total()) {
        const Instant now = monotonic_now();
        // Begins as many connections as the rate and the number under way allow.
        while (begun < total() && opening_count_ < config_.opening_at_once && start + begun * interval <= now) {
            begin_connection(begun++);
        }
        give_up_old(now);
        // Sleeps no longer than until the next begin.
        Instant until = now + kConnectProgressInterval;
        if (begun < total() && opening_count_ < config_.opening_at_once) {
            until = std::min(until, start + begun * interval);
        }
        poll(until);
        if (progress && now >= next_progress) {
            if (!progress(report.ready, report.failed)) {
                break;
            }
            next_progress = now + kConnectProgressInterval;
        }
    }
    report.took = monotonic_now() - start;
    // Connections still under way may become ready later, but no longer count.
    report_ = nullptr;
    opening_.clear();
    return report;
}

const Address& Swarm::address_of(std::uint32_t index) const {
    return index < plan_.subscribers ? subscribe_at_[index % subscribe_at_.size()]
                                     : publish_at_[(index - plan_.subscribers) % publish_at_.size()];
}

Opening Swarm::opening_of(std::uint32_t index) const {
    Opening opening{.role = connections_[index].role, .host = address_of(index).text, .all_channels = plan_.channels};
    if (opening.role == Role::kSubscriber) {
        opening.first_channel = plan_.first_channel(index);
        opening.channels = plan_.subscriptions_each;
    } else if (dialect_.publishers_subscribe()) {
        // A publisher that subscribes needs the channels of all its streams, which lie a stride apart.
        const std::uint32_t publisher = index - plan_.subscribers;
        opening.first_channel = plan_.channel_of(publisher);
        opening.channels = static_cast<std::uint32_t>(plan_.streams_of(publisher).size());
        opening.stride = plan_.publishers * (plan_.channels / plan_.published_channels);
    }
    return opening;
}

void Swarm::begin_connection(std::uint32_t index) {
    Connection& connection = connections_[index];
    const Address& address = address_of(index);
    connection.state = State::kConnecting;
    Extra& extra = extra_of(connection);
    extra.opening = opening_of(index);
    extra.began = monotonic_now();
    ++opening_count_;
    opening_.push_back({index, extra.began});
    connection.socket =
        chaos::Descriptor(::socket(address.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
    const int fd = connection.socket.get();
    if (fd < 0) {
        return fail(index, std::string("no socket: ") + std::strerror(errno));
    }
    const int on = 1;
    // Messages must not wait for the answer to the messages before.
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (!sources_.empty()) {
        const Address& source = sources_[index % sources_.size()];
        // The port is chosen at connect(), for the pair of addresses. A port chosen at bind() would be taken for all
        // targets.
        ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
        if (::bind(fd, source.get(), source.size) != 0) {
            return fail(index, "cannot connect from " + source.text + ": " + std::strerror(errno));
        }
    }
    if (::connect(fd, address.get(), address.size) != 0 && errno != EINPROGRESS) {
        return fail(index, "cannot connect to " + address.text + ": " + std::strerror(errno));
    }
    // Room to write shows the end of connect().
    epoll_event event{.events = EPOLLIN | EPOLLOUT, .data = {.u32 = index}};
    connection.wants_write = true;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
        return fail(index, std::string("cannot watch a connection: ") + std::strerror(errno));
    }
}

void Swarm::give_up_old(Instant now) {
    while (!opening_.empty()) {
        // The queue is in the order of begins, so the search ends at the first opening with time left.
        const Opened& oldest = opening_.front();
        const State state = connections_[oldest.index].state;
        const bool over = state == State::kReady || state == State::kClosed;
        if (!over) {
            if (now - oldest.began < config_.open_timeout) {
                return;
            }
            fail(oldest.index,
                 state == State::kConnecting ? "no connection in time" : "connected, but not subscribed in time");
        }
        opening_.pop_front();
    }
}

void Swarm::on_connected(std::uint32_t index) {
    Connection& connection = connections_[index];
    int error = 0;
    socklen_t size = sizeof(error);
    // The error of connect() waits at the socket.
    ::getsockopt(connection.socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        return fail(index, "cannot connect to " + address_of(index).text + ": " + std::strerror(error));
    }
    if (config_.trust == nullptr) {
        return begin_opening(index);
    }
    const std::string& at = address_of(index).text;
    std::string host = at.substr(0, at.rfind(':'));
    // Brackets stand around an IPv6 address.
    if (host.starts_with('[')) {
        host = host.substr(1, host.size() - 2);
    }
    connection.tls = std::make_unique<TlsLink>(*config_.trust, connection.socket.get(), std::move(host));
    connection.state = State::kSecuring;
    secure(index);
}

void Swarm::secure(std::uint32_t index) {
    Connection& connection = connections_[index];
    switch (connection.tls->handshake()) {
        case TlsLink::Step::kDone:
            return begin_opening(index);
        case TlsLink::Step::kWantsRead:
            return watch(index, false);
        case TlsLink::Step::kWantsWrite:
            return watch(index, true);
        case TlsLink::Step::kFailed:
            return fail(index, std::string(connection.tls->why()));
    }
}

void Swarm::begin_opening(std::uint32_t index) {
    Connection& connection = connections_[index];
    // Nothing to say first: a backend is ready as soon as connected.
    if (!dialect_.opens(connection.role)) {
        watch(index, false);
        return become_ready(connection);
    }
    connection.state = State::kOpening;
    dialect_.open(connection.extra->opening, connection.extra->out);
    write_out(index);
}

void Swarm::become_ready(Connection& connection) {
    connection.state = State::kReady;
    --opening_count_;
    if (report_ != nullptr) {
        ++report_->ready;
        report_->latency.record(monotonic_now() - connection.extra->began);
    }
}

void Swarm::fail(std::uint32_t index, const std::string& why) {
    Connection& connection = connections_[index];
    const bool opening = connection.state != State::kReady;
    connection.tls.reset();
    connection.socket = chaos::Descriptor();
    connection.state = State::kClosed;
    // The answer will never come, so nobody must wait for the answer.
    if (connection.awaits_answer) {
        connection.awaits_answer = false;
        --unanswered_;
    }
    connection.extra.reset();
    if (!opening) {
        ++lost_;
        complain("connection lost: " + why);
        return;
    }
    --opening_count_;
    if (report_ != nullptr && report_->failed++ == 0) {
        report_->first_failure = why;
    }
}

std::size_t Swarm::advance_opening(std::uint32_t index, std::size_t size) {
    Connection& connection = connections_[index];
    std::size_t done = 0;
    std::string refusal;
    // The dialect takes a piece at a time. Bytes behind the opening belong to the run.
    for (;;) {
        std::size_t consumed = 0;
        const Dialect::Progress progress = dialect_.on_opening(
            connection.extra->opening, {buffer_.data() + done, size - done}, consumed, connection.extra->out, refusal);
        done += consumed;
        if (progress == Dialect::Progress::kRefused) {
            fail(index, refusal);
            return size;
        }
        if (progress == Dialect::Progress::kReady) {
            become_ready(connection);
            break;
        }
        if (consumed == 0) {
            break;
        }
    }
    if (!connection.extra->out.empty()) {
        write_out(index);
    }
    return done;
}

}  // namespace tulle::load
