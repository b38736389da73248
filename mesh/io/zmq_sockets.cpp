#include "mesh/io/zmq_sockets.hpp"

#include <cstring>
#include <stdexcept>

#include "mesh/wire/codec.hpp"

namespace tulle::mesh {
namespace {

// I/O thread 0 carries control, thread 1 data: bulk must not delay heartbeats.
constexpr std::uint64_t kControlThread = 1;
constexpr std::uint64_t kDataThread = 2;

void common(zmq::socket_t& socket, std::uint64_t thread) {
    socket.set(zmq::sockopt::affinity, thread);
    socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(kTopicBytes + kMaxMessageBytes));
    socket.set(zmq::sockopt::handshake_ivl, 3000);    // a silent connection does not stay
    socket.set(zmq::sockopt::heartbeat_ivl, 1000);    // frees pipes to hosts that are gone; verdicts are the core's
    socket.set(zmq::sockopt::heartbeat_timeout, 4000);
    socket.set(zmq::sockopt::tcp_maxrt, 5000);
    socket.set(zmq::sockopt::ipv6, 1);
    socket.set(zmq::sockopt::backlog, 1024);
    socket.set(zmq::sockopt::rcvhwm, 0);              // a full receive pipe would stop PONGs and break the connection
    socket.set(zmq::sockopt::connect_timeout, 1000);
    socket.set(zmq::sockopt::reconnect_ivl, 100);
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
    context.set(zmq::ctxopt::max_sockets, 16384);
    return context;
}

}  // namespace

ZmqSockets::ZmqSockets(const std::string& control, const std::string& data)
    : context(make_context()),
      router(context, zmq::socket_type::router),
      publisher(context, zmq::socket_type::xpub),
      subscriber(context, zmq::socket_type::sub) {
    // No peer is ever addressed by its routing id, so none is set: two connections can't claim the same one.
    common(router, kControlThread);
    router.set(zmq::sockopt::linger, 0);
    common(publisher, kDataThread);
    publisher.set(zmq::sockopt::linger, 0);
    publisher.set(zmq::sockopt::sndhwm, 100'000);
    publisher.set(zmq::sockopt::xpub_verboser, 1);
    common(subscriber, kDataThread);
    subscriber.set(zmq::sockopt::linger, 0);
    subscriber.set(zmq::sockopt::sndhwm, 0);  // at its own high-water mark SUB drops *subscriptions*
    bound_control = bind(router, control);
    bound_data = bind(publisher, data);
}

zmq::socket_t ZmqSockets::dealer() {
    zmq::socket_t socket(context, zmq::socket_type::dealer);
    common(socket, kControlThread);
    socket.set(zmq::sockopt::immediate, 1);  // else it queues for whatever process binds there next
    socket.set(zmq::sockopt::sndhwm, 10'000);
    socket.set(zmq::sockopt::linger, 500);   // last words (a refusal, a receipt for a leaver) still go out
    return socket;
}

LinkMonitor::LinkMonitor(zmq::context_t& context, zmq::socket_t& watched, const std::string& name)
    : pair_(std::make_unique<zmq::socket_t>(context, zmq::socket_type::pair)) {
    const std::string endpoint = "inproc://monitor-" + name;
    const int events = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED;
    if (zmq_socket_monitor(watched.handle(), endpoint.c_str(), events) != 0) {
        throw zmq::error_t();
    }
    pair_->set(zmq::sockopt::linger, 0);
    pair_->connect(endpoint);
    inlet_.emplace(*pair_);
}

LinkEvent LinkMonitor::next() {
    zmq::message_t event;
    if (!inlet_->receive(event)) {
        return LinkEvent::kNone;
    }
    zmq::message_t address;
    static_cast<void>(pair_->recv(address, zmq::recv_flags::dontwait));
    std::uint16_t kind = 0;
    std::memcpy(&kind, event.data(), sizeof kind);
    return kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED ? LinkEvent::kUp : LinkEvent::kDown;
}

}  // namespace tulle::mesh
