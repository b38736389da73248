#include "mesh/io/zmq_sockets.hpp"

#include <atomic>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "mesh/base/assert.hpp"
#include "mesh/wire/codec.hpp"

namespace tulle::mesh {
namespace {

// I/O thread 0 carries control, thread 1 data: bulk must not delay heartbeats.
constexpr std::uint64_t kControlThread = 1;
constexpr std::uint64_t kDataThread = 2;

// Every connection has three sockets: its DEALER and both ends of the monitor's PAIR. kMaxMembers connections and
// libzmq's default of 1,023 don't go together.
constexpr int kMaxSockets = 16'384;

// What a subscriber may send in one message: the handshake's READY (38 bytes), a topic and its command (27), a PING
// (23).
constexpr std::int64_t kMaxSubscriberMessageBytes = 128;

// Subscriptions of one connection that wait in libzmq. A peer has one, so its pipe is never full, which would stop the
// PONGs.
constexpr int kSubscriptionsWaiting = 16;

// Control messages of one connection that wait in libzmq. A hub that takes none for so long that its peers fill this is
// not heard by them either; its own engine would take a full pipe for silence only after heartbeat_timeout.
constexpr int kControlWaiting = 1024;

// A peer sends nothing on the connection by which we reach its ROUTER, beyond the handshake's READY (44 bytes) and a
// PONG. The bounds are for a peer that does: a longer message ends the connection; of shorter ones this number waits in
// libzmq, the rest in the kernel, and as the PONGs wait behind them, the heartbeats end the connection.
constexpr std::int64_t kMaxBytesFromRouter = 128;
constexpr int kWaitingFromRouter = 16;

// What the kernel holds of one connection to us, and twice as much at most: without it the kernel goes as far as
// tcp_rmem allows.
constexpr int kInboundBufferBytes = 1 << 20;

constexpr int kInboundEvents = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;

void common(zmq::socket_t& socket, std::uint64_t thread) {
    socket.set(zmq::sockopt::affinity, thread);
    socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(kTopicBytes + kMaxMessageBytes));
    socket.set(zmq::sockopt::handshake_ivl, 3000);  // a silent connection does not stay
    socket.set(zmq::sockopt::heartbeat_ivl, 1000);  // frees pipes to hosts that are gone; verdicts are the core's
    socket.set(zmq::sockopt::heartbeat_timeout, 4000);
    socket.set(zmq::sockopt::tcp_maxrt, 5000);
    socket.set(zmq::sockopt::ipv6, 1);
    socket.set(zmq::sockopt::backlog, 1024);
    socket.set(zmq::sockopt::rcvhwm, 0);  // a full receive pipe would stop PONGs and break the connection
    socket.set(zmq::sockopt::connect_timeout, 1000);
    socket.set(zmq::sockopt::reconnect_ivl, 100);
    socket.set(zmq::sockopt::zap_domain, "tulle");  // refuses ZMTP 1.0 and 2.0, and what is not ZMTP
}

std::string bind(zmq::socket_t& socket, const std::string& address) {
    const std::optional<HostPort> wanted = parse_host_port(address);
    const std::optional<NumericAddress> target = wanted ? resolve(*wanted) : std::nullopt;
    if (!target) {
        throw std::runtime_error("cannot listen on " + address + ": not an address");
    }
    // On a dual-stack socket an IPv4 address would come back as ::ffff:1.2.3.4.
    socket.set(zmq::sockopt::ipv6, target->storage.ss_family == AF_INET6 ? 1 : 0);
    try {
        socket.bind(target->zmq_endpoint());
    } catch (const zmq::error_t& error) {
        throw std::runtime_error("cannot listen on " + address + ": " + error.what());
    }
    const std::string bound = socket.get(zmq::sockopt::last_endpoint);
    return bound.substr(std::strlen("tcp://"));
}

zmq::context_t make_context() {
    zmq::context_t context(2);
    context.set(zmq::ctxopt::max_sockets, kMaxSockets);
    return context;
}

zmq::socket_t make_router(zmq::context_t& context) {
    zmq::socket_t router(context, zmq::socket_type::router);
    // No peer is ever addressed by its routing id, so none is set: two connections can't claim the same one.
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
    publisher.set(zmq::sockopt::sndhwm, 100'000);
    publisher.set(zmq::sockopt::xpub_verboser, 1);
    // A peer subscribes to one topic, and says nothing else here.
    publisher.set(zmq::sockopt::maxmsgsize, kMaxSubscriberMessageBytes);
    publisher.set(zmq::sockopt::rcvhwm, kSubscriptionsWaiting);
    publisher.set(zmq::sockopt::rcvbuf, kInboundBufferBytes);
    return publisher;
}

}  // namespace

MonitoredSocket::MonitoredSocket(zmq::context_t& context, zmq::socket_t socket)
    : socket_(std::move(socket)), pair_(context, zmq::socket_type::pair), inlet_(pair_) {}

// The object counts as made when the other constructor returns: what is thrown after that runs the destructor.
MonitoredSocket::MonitoredSocket(zmq::context_t& context, zmq::socket_t socket, int events)
    : MonitoredSocket(context, std::move(socket)) {
    // an endpoint outlives its socket a little, so a name is never used twice
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
    zmq::message_t address;
    static_cast<void>(pair_.recv(address, zmq::recv_flags::dontwait));
    std::uint16_t kind = 0;
    Event event;
    TULLE_ASSERT(head.size() == sizeof kind + sizeof event.value);  // libzmq's, never a peer's
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
    subscriber.set(zmq::sockopt::sndhwm, 0);  // at its own high-water mark SUB drops *subscriptions*
    bound_control = bind(router.socket(), control);
    bound_data = bind(publisher.socket(), data);
}

std::unique_ptr<MonitoredSocket> ZmqSockets::dealer() {
    zmq::socket_t socket(context, zmq::socket_type::dealer);
    common(socket, kControlThread);
    socket.set(zmq::sockopt::immediate, 1);  // else it queues for whatever process binds there next
    socket.set(zmq::sockopt::sndhwm, 10'000);
    socket.set(zmq::sockopt::maxmsgsize, kMaxBytesFromRouter);
    socket.set(zmq::sockopt::rcvhwm, kWaitingFromRouter);
    socket.set(zmq::sockopt::rcvbuf, kInboundBufferBytes);
    socket.set(zmq::sockopt::linger, 500);  // last words (a refusal, a receipt for a leaver) still go out
    return std::make_unique<MonitoredSocket>(context, std::move(socket), kConnectionEvents);
}

}  // namespace tulle::mesh
