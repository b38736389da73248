#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <zmq.hpp>

#include "mesh/io/address.hpp"

namespace tulle::mesh {

/// A socket that is received from by the hub's own poll over many of them.
///
/// libzmq signals a socket's descriptor for what comes while the socket's thread has seen all that came before, and for
/// nothing that a send or a connect has taken in on its way. So the socket is due to be looked at when the descriptor
/// says so and after everything else that was done with it, until a receive finds nothing: from there on the descriptor
/// speaks again.
class Inlet {
public:
    explicit Inlet(zmq::socket_t& socket) : socket_(&socket), descriptor_(socket.get(zmq::sockopt::fd)) {}

    [[nodiscard]] zmq::socket_t& socket() { return *socket_; }
    [[nodiscard]] int descriptor() const { return descriptor_; }
    [[nodiscard]] bool is_due() const { return is_due_; }
    /// Its descriptor is readable, or something else than a receive was done with the socket.
    void touch() { is_due_ = true; }
    /// Before a wait: whether there is something to receive, so that there is nothing to wait for.
    [[nodiscard]] bool look() {
        is_due_ = is_due_ && (socket_->get(zmq::sockopt::events) & ZMQ_POLLIN) != 0;
        return is_due_;
    }
    /// The first part of the next message; false: there is none.
    [[nodiscard]] bool receive(zmq::message_t& part) {
        is_due_ = is_due_ && socket_->recv(part, zmq::recv_flags::dontwait).has_value();
        return is_due_;
    }

private:
    zmq::socket_t* socket_;
    int descriptor_;
    bool is_due_ = true;
};

/// A socket and the monitor that tells what its connections do, in one owner, as the two must end in one order:
///
///   1. the monitor is stopped, 2. its PAIR is closed, 3. the socket is closed, which lives on in libzmq for its
///   linger.
///
/// An event of a socket whose PAIR has gone while its monitor runs blocks libzmq's I/O thread for ever, in a send to
/// nobody. The destructor keeps the order by itself, whatever the order of the members; it also runs when construction
/// fails half-way. So a MonitoredSocket does not move. The PAIR takes any number of events, as libzmq's I/O thread
/// would wait at a high-water mark until its owner reads.
///
/// Thread: that of the socket. Errors: construction throws zmq::error_t, EMFILE among them, and leaves nothing behind.
class MonitoredSocket {
public:
    struct Event {
        int kind = 0;            ///< one of ZMQ_EVENT_…
        std::int32_t value = 0;  ///< a descriptor or an error number, by kind
    };
    /// Descriptors that a MonitoredSocket uses, but for its TCP connections: its own, its PAIR and libzmq's end of the
    /// PAIR.
    static constexpr int kDescriptors = 3;

    /// `socket` is neither bound nor connected yet. `events`: ZMQ_EVENT_… that are told.
    MonitoredSocket(zmq::context_t& context, zmq::socket_t socket, int events);
    ~MonitoredSocket();
    MonitoredSocket(const MonitoredSocket&) = delete;
    MonitoredSocket& operator=(const MonitoredSocket&) = delete;

    [[nodiscard]] zmq::socket_t& socket() { return socket_; }
    /// Of the PAIR.
    [[nodiscard]] Inlet& events() { return inlet_; }
    /// Nothing: there is none now.
    [[nodiscard]] std::optional<Event> next();

private:
    MonitoredSocket(zmq::context_t& context, zmq::socket_t socket);

    zmq::socket_t socket_;
    zmq::socket_t pair_;
    Inlet inlet_;
};

/// The sockets of one node with the options that they must have; zeromq facts behind each in mesh/README.md.
///
/// A peer that speaks ZMTP 1.0 or 2.0 is refused by every socket, and so is anything that is not ZMTP: for libzmq a
/// greeting without 0xff is one of ZMTP 1.0, so that a web page's POST could carry a message. A ZAP domain does that;
/// there is no ZAP handler behind it, so no handshake waits for one.
/// Ending: the sockets end before the context, whose end waits for them and for the linger of each DEALER.
struct ZmqSockets {
    /// Binds; throws std::runtime_error naming the address when that fails.
    ZmqSockets(const std::string& control, const std::string& data);

    zmq::context_t context;
    MonitoredSocket router;     ///< control, inbound only
    MonitoredSocket publisher;  ///< XPUB: data to the peers
    zmq::socket_t subscriber;   ///< SUB: data from the peers
    std::string bound_control;  ///< "host:port" as bound
    std::string bound_data;

    /// A DEALER to one peer, not connected yet, whose monitor tells kConnectionEvents. Throws zmq::error_t.
    [[nodiscard]] std::unique_ptr<MonitoredSocket> dealer();
    static constexpr int kConnectionEvents = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED;
};

}  // namespace tulle::mesh
