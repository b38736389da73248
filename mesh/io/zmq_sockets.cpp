#include "mesh/io/zmq_sockets.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
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

// The longest message of a subscriber: the handshake's READY (38 bytes; with keys HELLO, 200, and INITIATE, below 400),
// a topic with its command (27; encrypted 60), or a PING (23; encrypted 56).
constexpr std::int64_t kMaxSubscriberMessageBytes = 512;

// Subscriptions of one connection waiting in libzmq. A peer has a single subscription, so a peer never fills the pipe.
// A full pipe would stop the PONGs.
constexpr int kSubscriptionsWaiting = 16;

// Control messages of one connection waiting in libzmq. A hub idle for long enough to let its peers fill the pipe is
// not heard by the peers either. libzmq's own engine would take a full pipe for silence only after heartbeat_timeout.
constexpr int kControlWaiting = 1024;

// A DEALER receives nothing from a peer's ROUTER except the handshake's READY (44 bytes; with keys WELCOME, 168, and
// READY) and PONGs. The two bounds are for a misbehaving peer. A longer message ends the connection. At most
// kWaitingFromRouter shorter messages wait in libzmq, and the rest waits in the kernel. The PONGs wait behind the rest,
// so the heartbeats end the connection.
constexpr std::int64_t kMaxBytesFromRouter = 512;
constexpr int kWaitingFromRouter = 16;

// Bytes of one inbound connection held by the kernel, which doubles the value at most. Without the option the kernel
// would go up to tcp_rmem.
constexpr int kInboundBufferBytes = 1 << 20;

// Connections that wait to be accepted.
constexpr int kBacklog = 1024;

constexpr int kInboundEvents =
    ZMQ_EVENT_LISTENING | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;

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
    // No mark: a full receive pipe would stop the PONGs and break the connection.
    socket.set(zmq::sockopt::rcvhwm, 0);
    socket.set(zmq::sockopt::connect_timeout, 1000);
    socket.set(zmq::sockopt::reconnect_ivl, 100);
    // Refuses ZMTP 1.0 and 2.0, and everything other than ZMTP.
    socket.set(zmq::sockopt::zap_domain, ZapHandler::kDomain);
}

zmq::const_buffer bytes(const KeyBytes& key) {
    return zmq::buffer(key.data(), key.size());
}

/// Makes the socket a CURVE server, from the next bind on. No effect without keys.
void serve_by(zmq::socket_t& socket, const KeyRing& ring) {
    if (!ring.is_empty()) {
        socket.set(zmq::sockopt::curve_server, true);
        socket.set(zmq::sockopt::curve_secretkey, bytes(ring.used().server().secret_key));
    }
}

/// A TCP socket that listens at `target`, or -1 with the reason in errno.
int listening_at(const NumericAddress& target) {
    const int family = target.storage.ss_family;
    // Not blocking: a connection that ends before its accept must not hold libzmq's I/O thread.
    const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    const int on = 1;
    const int off = 0;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // Accepted connections inherit the size.
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kInboundBufferBytes, sizeof kInboundBufferBytes);
    if (family == AF_INET6) {
        ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&target.storage), target.size) != 0 ||
        ::listen(fd, kBacklog) != 0) {
        const int why = errno;
        ::close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

/// Binds a socket. Returns 0, or an error number.
///
/// libzmq gets a socket that listens already. If libzmq made the socket, libzmq would look for a network interface of
/// the address's name first, and end the process when no descriptor is free for the search.
int bind_at(zmq::socket_t& socket, const NumericAddress& target) {
    // A dual-stack socket would report an IPv4 address as ::ffff:1.2.3.4.
    socket.set(zmq::sockopt::ipv6, target.storage.ss_family == AF_INET6 ? 1 : 0);
    const int fd = listening_at(target);
    if (fd < 0) {
        return errno;
    }
    int error = 0;
    socket.set(zmq::sockopt::use_fd, fd);
    try {
        socket.bind(target.zmq_endpoint());
    } catch (const zmq::error_t& failure) {
        ::close(fd);
        error = failure.num();
    }
    socket.set(zmq::sockopt::use_fd, -1);
    return error;
}

/// Binds a socket and returns the bound "host:port".
std::string bind(zmq::socket_t& socket, const std::string& address) {
    const std::optional<HostPort> wanted = parse_host_port(address);
    const std::optional<NumericAddress> target = wanted ? resolve(*wanted) : std::nullopt;
    if (!target) {
        throw std::runtime_error("cannot listen on " + address + ": not an address");
    }
    if (const int error = bind_at(socket, *target); error != 0) {
        throw std::runtime_error("cannot listen on " + address + ": " + zmq_strerror(error));
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

zmq::socket_t make_router(zmq::context_t& context, const KeyRing& ring) {
    zmq::socket_t router(context, zmq::socket_type::router);
    serve_by(router, ring);
    // The hub never addresses a peer by a routing id, so no id is set, and two connections cannot claim an equal id.
    common(router, kControlThread);
    router.set(zmq::sockopt::linger, 0);
    router.set(zmq::sockopt::rcvhwm, kControlWaiting);
    router.set(zmq::sockopt::rcvbuf, kInboundBufferBytes);
    return router;
}

zmq::socket_t make_publisher(zmq::context_t& context, const KeyRing& ring) {
    zmq::socket_t publisher(context, zmq::socket_type::xpub);
    serve_by(publisher, ring);
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

zmq::socket_t make_subscriber(zmq::context_t& context) {
    zmq::socket_t subscriber(context, zmq::socket_type::sub);
    common(subscriber, kDataThread);
    subscriber.set(zmq::sockopt::linger, 0);
    // No mark: at a high-water mark a SUB drops subscriptions.
    subscriber.set(zmq::sockopt::sndhwm, 0);
    return subscriber;
}

/// Binds `socket` at the address of before. Returns 0, or the error number.
int bind_again(zmq::socket_t& socket, const std::string& address, const KeyRing& ring) {
    serve_by(socket, ring);
    const std::optional<HostPort> bound = parse_host_port(address);
    const std::optional<NumericAddress> target = bound ? numeric(*bound) : std::nullopt;
    TULLE_ASSERT(target.has_value());
    return bind_at(socket, *target);
}

/// Connects a socket with the key pair `client` to `bound`, and returns the kind of the first report; 0 without a
/// report within ZmqSockets::kSelfTestPatience.
int report_of(zmq::context_t& context, zmq::socket_type type, MonitoredSocket& bound, const KeyBytes& server,
              const CurvePair& client, ZapHandler& handler) {
    zmq::socket_t socket(context, type);
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::curve_serverkey, bytes(server));
    socket.set(zmq::sockopt::curve_publickey, bytes(client.public_key));
    socket.set(zmq::sockopt::curve_secretkey, bytes(client.secret_key));
    MonitoredSocket monitored(context, std::move(socket), ZmqSockets::kConnectionEvents);
    monitored.socket().connect(bound.socket().get(zmq::sockopt::last_endpoint));
    const auto until = std::chrono::steady_clock::now() + ZmqSockets::kSelfTestPatience;
    while (std::chrono::steady_clock::now() < until) {
        monitored.events().touch();
        if (const auto event = monitored.next()) {
            return event->kind;
        }
        zmq::pollitem_t items[] = {{monitored.events().socket().handle(), 0, ZMQ_POLLIN, 0},
                                   {handler.requests().socket().handle(), 0, ZMQ_POLLIN, 0}};
        zmq::poll(items, 2, std::chrono::milliseconds(100));
        handler.requests().touch();
        handler.answer();
    }
    return 0;
}

}  // namespace

// The test uses sockets of its own, made by the functions that make the real ones: a connection of the test to the real
// ports would be counted and watched like a stranger's.
void ZmqSockets::test_keys() {
    const KeyBytes& server = ring.used().server().public_key;
    const MeshKey stranger = MeshKey::make();
    const auto test = [&](zmq::socket_t made, zmq::socket_type type, const char* port) {
        MonitoredSocket bound(context, std::move(made), kInboundEvents);
        static_cast<void>(bind(bound.socket(), "127.0.0.1:0"));
        const auto report_to = [&](const CurvePair& client) {
            const int report = report_of(context, type, bound, server, client, *zap);
            if (report == 0) {
                throw std::runtime_error(std::string("the proof that the mesh's ") + port +
                                         " port refuses strangers has not ended in time");
            }
            return report;
        };
        if (report_to(stranger.client()) != ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) {
            throw std::runtime_error(
                std::string("the mesh's ") + port +
                " port would let in a node without our key: CURVE without a handler accepts anybody");
        }
        if (report_to(ring.used().client()) != ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
            throw std::runtime_error(std::string("the mesh's ") + port + " port refuses this node's own key");
        }
    };
    test(make_router(context, ring), zmq::socket_type::dealer, "control");
    test(make_publisher(context, ring), zmq::socket_type::sub, "data");
    zap->forget_refused();
}

void ZmqSockets::accept(const KeyRing& keys) {
    TULLE_ASSERT(zap != nullptr && !keys.is_empty());
    ring = keys;
    zap->accept(keys);
}

void ZmqSockets::unbind() {
    TULLE_ASSERT(zap != nullptr);
    // A port of an earlier unbind() may still wait to be bound, when keys change quickly or another process has the
    // port.
    if (std::exchange(is_control_bound, false)) {
        router.socket().unbind("tcp://" + bound_control);
    }
    if (std::exchange(is_data_bound, false)) {
        publisher.socket().unbind("tcp://" + bound_data);
    }
}

int ZmqSockets::bind_again() {
    const int control = is_control_bound ? 0 : tulle::mesh::bind_again(router.socket(), bound_control, ring);
    is_control_bound = control == 0;
    const int data = is_data_bound ? 0 : tulle::mesh::bind_again(publisher.socket(), bound_data, ring);
    is_data_bound = data == 0;
    if (is_control_bound && is_data_bound) {
        bound_key = ring.used().id();
    }
    return control != 0 ? control : data;
}

void ZmqSockets::aim(zmq::socket_t& socket, std::size_t key) const {
    if (ring.is_empty()) {
        return;
    }
    const CurvePair& own = ring.used().client();
    socket.set(zmq::sockopt::curve_publickey, bytes(own.public_key));
    socket.set(zmq::sockopt::curve_secretkey, bytes(own.secret_key));
    socket.set(zmq::sockopt::curve_serverkey, bytes(ring.keys().at(key % ring.keys().size()).server().public_key));
}

ZmqSockets::ZmqSockets(const std::string& control, const std::string& data, const KeyRing& keys)
    : context(make_context()),
      ring(keys),
      // Before the sockets: a socket that is bound without a handler lets in everybody.
      zap(ring.is_empty() ? nullptr : std::make_unique<ZapHandler>(context, ring)),
      router(context, make_router(context, ring), kInboundEvents),
      publisher(context, make_publisher(context, ring), kInboundEvents),
      subscriber(context, make_subscriber(context), kConnectionEvents) {
    if (zap) {
        test_keys();
    }
    bound_control = bind(router.socket(), control);
    bound_data = bind(publisher.socket(), data);
    bound_key = ring.is_empty() ? "" : ring.used().id();
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
