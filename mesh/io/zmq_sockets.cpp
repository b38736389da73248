#include "mesh/io/zmq_sockets.hpp"

#include <atomic>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "mesh/base/assert.hpp"
#include "mesh/wire/codec.hpp"

namespace tulle::mesh {
namespace {

// The I/O threads, as bit masks: the first carries control, the second data. Bulk data must not delay heartbeats.
constexpr std::uint64_t kControlThread = 1;
constexpr std::uint64_t kDataThread = 2;

// Each connection has three sockets: a DEALER and both ends of the monitor's PAIR. libzmq's default of 1,023 sockets is
// too small for kMaxMembers connections.
constexpr int kMaxSockets = 16'384;

// The longest message of a subscriber: the handshake's READY (38 bytes), a topic with its command (27), or a PING (23).
constexpr std::int64_t kMaxSubscriberMessageBytes = 128;

// Subscriptions of one connection waiting in libzmq. A peer has a single subscription, so a peer never fills the pipe.
// A full pipe would stop the PONGs.
constexpr int kSubscriptionsWaiting = 16;

// Control messages of one connection waiting in libzmq. A hub idle for long enough to let its peers fill the pipe is
// not heard by the peers either. libzmq's own engine would take a full pipe for silence only after heartbeat_timeout.
constexpr int kControlWaiting = 1024;

// A DEALER receives nothing from a peer's ROUTER except the handshake's READY (44 bytes) and PONGs. The two bounds are
// for a misbehaving peer. A longer message ends the connection. At most kWaitingFromRouter shorter messages wait in
// libzmq, and the rest waits in the kernel. The PONGs wait behind the rest, so the heartbeats end the connection.
constexpr std::int64_t kMaxBytesFromRouter = 128;
constexpr int kWaitingFromRouter = 16;

// Bytes of one inbound connection held by the kernel, which doubles the value at most. Without the option the kernel
// would go up to tcp_rmem.
constexpr int kInboundBufferBytes = 1 << 20;

constexpr int kInboundEvents = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;

/// The options shared by all sockets.
void common(zmq::socket_t& socket, std::uint64_t thread) {
    socket.set(zmq::sockopt::affinity, thread);
    socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(kTopicBytes + kMaxMessageBytes));
    // Milliseconds. A connection silent in its handshake does not stay.
    socket.set(zmq::sockopt::handshake_ivl, 3000);
    // Frees the pipes to vanished hosts. Verdicts about peers belong to the core, not to libzmq.
    socket.set(zmq::sockopt::heartbeat_ivl, 1000);
    socket.set(zmq::sockopt::heartbeat_timeout, 4000);
    socket.set(zmq::sockopt::tcp_maxrt, 5000);
    socket.set(zmq::sockopt::ipv6, 1);
    socket.set(zmq::sockopt::backlog, 1024);
    // No mark: a full receive pipe would stop the PONGs and break the connection.
    socket.set(zmq::sockopt::rcvhwm, 0);
    socket.set(zmq::sockopt::connect_timeout, 1000);
    socket.set(zmq::sockopt::reconnect_ivl, 100);
    // Refuses ZMTP 1.0 and 2.0, and everything other than ZMTP.
    socket.set(zmq::sockopt::zap_domain, "tulle");
}

/// Binds a socket and returns the bound "host:port".
std::string bind(zmq::socket_t& socket, const std::string& address) {
    const std::optional<HostPort> wanted = parse_host_port(address);
    const std::optional<NumericAddress> target = wanted ? resolve(*wanted) : std::nullopt;
    if (!target) {
        throw std::runtime_error("cannot listen on " + address + ": not an address");
    }
    // A dual-stack socket would report an IPv4 address as ::ffff:1.2.3.4.
    socket.set(zmq::sockopt::ipv6, target->storage.ss_family == AF_INET6 ? 1 : 0);
    try {
        socket.bind(target->zmq_endpoint());
    } catch (const zmq::error_t& error) {
        throw std::runtime_error("cannot listen on " + address + ": " + error.what());
    }
    const std::string bound = socket.get(zmq::sockopt::last_endpoint);
    return bound.substr(std::strlen("tcp://"));
}

/// A context with two I/O threads (kControlThread, kDataThread).
zmq::context_t make_context() {
    zmq::context_t context(2);
    context.set(zmq::ctxopt::max_sockets, kMaxSockets);
    return context;
}

zmq::socket_t make_router(zmq::context_t& context) {
    zmq::socket_t router(context, zmq::socket_type::router);
    // The hub never addresses a peer by a routing id, so no id is set, and two connections cannot claim an equal id.
    common(router, kControlThread);
    router.set(zmq::sockopt::linger, 0);
    router.set(zmq::sockopt::rcvhwm, kControlWaiting);
    router.set(zmq::sockopt::rcvbuf, kInboundBufferBytes);
    return router;
}

zmq::socket_t make_publisher(zmq::context_t& context) {
    zmq::socket_t publisher(context, zmq::socket_type::xpub);
    common(publisher, kDataThread);
    publisher.set(zmq::sockopt::linger, 0);
    // Frames waiting for one peer. Beyond the mark the frame is dropped, and the peer's Nack repairs the loss.
    publisher.set(zmq::sockopt::sndhwm, 100'000);
    // Reports every subscription and every end of a subscription, repetitions included: a reconnected peer subscribes
    // again.
    publisher.set(zmq::sockopt::xpub_verboser, 1);
    // A peer sends a single subscription here, and nothing else.
    publisher.set(zmq::sockopt::maxmsgsize, kMaxSubscriberMessageBytes);
    publisher.set(zmq::sockopt::rcvhwm, kSubscriptionsWaiting);
    publisher.set(zmq::sockopt::rcvbuf, kInboundBufferBytes);
    return publisher;
}

}  // namespace

MonitoredSocket::MonitoredSocket(zmq::context_t& context, zmq::socket_t socket)
    : socket_(std::move(socket)), pair_(context, zmq::socket_type::pair), inlet_(pair_) {}

// The object counts as constructed when the delegated constructor returns. An exception after that point runs the
// destructor.
MonitoredSocket::MonitoredSocket(zmq::context_t& context, zmq::socket_t socket, int events)
    : MonitoredSocket(context, std::move(socket)) {
    // An endpoint outlives its socket by a little, so a name is never used twice.
    static std::atomic<std::uint64_t> made = 0;
    const std::string endpoint = "inproc://monitor-" + std::to_string(made.fetch_add(1));
    pair_.set(zmq::sockopt::linger, 0);
    pair_.set(zmq::sockopt::rcvhwm, 0);
    if (zmq_socket_monitor(socket_.handle(), endpoint.c_str(), events) != 0) {
        throw zmq::error_t();
    }
    pair_.connect(endpoint);
}

MonitoredSocket::~MonitoredSocket() {
    zmq_socket_monitor(socket_.handle(), nullptr, 0);
    pair_.close();
    socket_.close();
}

std::optional<MonitoredSocket::Event> MonitoredSocket::next() {
    zmq::message_t head;
    if (!inlet_.receive(head)) {
        return std::nullopt;
    }
    // A report has two parts. The second, the address, is not needed.
    zmq::message_t address;
    static_cast<void>(pair_.recv(address, zmq::recv_flags::dontwait));
    std::uint16_t kind = 0;
    Event event;
    // Made by libzmq itself, never by a peer.
    TULLE_ASSERT(head.size() == sizeof kind + sizeof event.value);
    std::memcpy(&kind, head.data(), sizeof kind);
    std::memcpy(&event.value, static_cast<const char*>(head.data()) + sizeof kind, sizeof event.value);
    event.kind = kind;
    return event;
}

ZmqSockets::ZmqSockets(const std::string& control, const std::string& data)
    : context(make_context()),
      router(context, make_router(context), kInboundEvents),
      publisher(context, make_publisher(context), kInboundEvents),
      subscriber(context, zmq::socket_type::sub) {
    common(subscriber, kDataThread);
    subscriber.set(zmq::sockopt::linger, 0);
    // No mark: at a high-water mark a SUB drops subscriptions.
    subscriber.set(zmq::sockopt::sndhwm, 0);
    bound_control = bind(router.socket(), control);
    bound_data = bind(publisher.socket(), data);
}

std::unique_ptr<MonitoredSocket> ZmqSockets::dealer() {
    zmq::socket_t socket(context, zmq::socket_type::dealer);
    common(socket, kControlThread);
    // Sends only over a standing connection. Otherwise messages would queue for the next process bound to the address.
    socket.set(zmq::sockopt::immediate, 1);
    socket.set(zmq::sockopt::sndhwm, 10'000);
    socket.set(zmq::sockopt::maxmsgsize, kMaxBytesFromRouter);
    socket.set(zmq::sockopt::rcvhwm, kWaitingFromRouter);
    socket.set(zmq::sockopt::rcvbuf, kInboundBufferBytes);
    // Last messages (a refusal, a receipt for a leaver) still go out.
    socket.set(zmq::sockopt::linger, 500);
    return std::make_unique<MonitoredSocket>(context, std::move(socket), kConnectionEvents);
}

}  // namespace tulle::mesh
