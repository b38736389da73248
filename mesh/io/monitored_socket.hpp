#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <zmq.hpp>

namespace tulle::mesh {

/// A socket received from by the hub's own poll over many sockets.
///
/// libzmq signals a socket's descriptor only for messages arriving after the socket's thread has seen all earlier
/// messages. libzmq does not signal messages noticed on the way by a send or a connect. So the hub must look at a
/// socket in two cases: the descriptor is readable, or the hub has done anything with the socket other than a receive.
/// The socket stays due until a receive finds nothing. From there on the descriptor signals again.
///
/// Thread: that of the socket. The socket must outlive the inlet.
class Inlet {
public:
    explicit Inlet(zmq::socket_t& socket) : socket_(&socket), descriptor_(socket.get(zmq::sockopt::fd)) {}

    [[nodiscard]] zmq::socket_t& socket() { return *socket_; }
    [[nodiscard]] int descriptor() const { return descriptor_; }
    /// True when a receive may find a message.
    [[nodiscard]] bool is_due() const { return is_due_; }
    /// Makes the socket due. Call when the descriptor is readable, and after any use of the socket other than a
    /// receive.
    void touch() { is_due_ = true; }
    /// Asks the socket for messages before a wait. Returns true when a message waits, so that the caller does not wait.
    [[nodiscard]] bool look() {
        is_due_ = is_due_ && (socket_->get(zmq::sockopt::events) & ZMQ_POLLIN) != 0;
        return is_due_;
    }
    /// Receives the first part of the next message. Returns false without a message.
    [[nodiscard]] bool receive(zmq::message_t& part) {
        is_due_ = is_due_ && socket_->recv(part, zmq::recv_flags::dontwait).has_value();
        return is_due_;
    }

private:
    zmq::socket_t* socket_;
    int descriptor_;
    bool is_due_ = true;
};

/// A socket and the monitor of the socket's connections, under one owner. The two must end in a fixed order:
///
///   1. the monitor is stopped,
///   2. the monitor's PAIR is closed,
///   3. the socket is closed, and lives on inside libzmq for its linger.
///
/// If the PAIR has gone while the monitor runs, the next event blocks libzmq's I/O thread for ever, in a send to
/// nobody. The destructor keeps the order, whatever the order of the members, and also runs when construction fails
/// half-way. For the same reason a MonitoredSocket does not move. The PAIR takes any number of events: at a high-water
/// mark libzmq's I/O thread would wait for the owner.
///
/// Thread: that of the socket.
/// Errors: the constructor throws zmq::error_t (EMFILE, for instance) and leaves nothing behind.
class MonitoredSocket {
public:
    /// A report of the monitor.
    struct Event {
        /// One of ZMQ_EVENT_….
        int kind = 0;
        /// A descriptor or an error number, depending on the kind.
        std::int32_t value = 0;
        /// "tcp://address:port": the other side for a connecting socket, the bound address for a bound socket.
        std::string endpoint = {};
    };
    /// The descriptors of a MonitoredSocket without its TCP connections: the socket, the PAIR, and libzmq's end of the
    /// PAIR.
    static constexpr int kDescriptors = 3;

    /// `socket` must not be bound or connected yet, so that no event is missed. `events` are the reported kinds,
    /// ZMQ_EVENT_….
    MonitoredSocket(zmq::context_t& context, zmq::socket_t socket, int events);
    ~MonitoredSocket();
    MonitoredSocket(const MonitoredSocket&) = delete;
    MonitoredSocket& operator=(const MonitoredSocket&) = delete;

    [[nodiscard]] zmq::socket_t& socket() { return socket_; }
    /// The inlet of the PAIR.
    [[nodiscard]] Inlet& events() { return inlet_; }
    /// The next report; nothing without a report at the moment.
    [[nodiscard]] std::optional<Event> next();

private:
    /// Creates the members. After this constructor the destructor runs in any case.
    MonitoredSocket(zmq::context_t& context, zmq::socket_t socket);

    zmq::socket_t socket_;
    zmq::socket_t pair_;
    Inlet inlet_;
};

}  // namespace tulle::mesh
