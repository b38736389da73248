#include "mesh/io/monitored_socket.hpp"

#include <atomic>
#include <cstring>
#include <utility>

#include "mesh/base/assert.hpp"

namespace tulle::mesh {

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
    // A report has two parts: the facts, and the address.
    zmq::message_t address;
    static_cast<void>(pair_.recv(address, zmq::recv_flags::dontwait));
    std::uint16_t kind = 0;
    Event event;
    // Made by libzmq itself, never by a peer.
    TULLE_ASSERT(head.size() == sizeof kind + sizeof event.value);
    std::memcpy(&kind, head.data(), sizeof kind);
    std::memcpy(&event.value, static_cast<const char*>(head.data()) + sizeof kind, sizeof event.value);
    event.kind = kind;
    event.endpoint = address.to_string();
    return event;
}

}  // namespace tulle::mesh
