#pragma once

#include <memory>
#include <optional>
#include <string>
#include <zmq.hpp>

#include "mesh/io/address.hpp"

namespace tulle::mesh {

/// The sockets of one node with the options that they must have; zeromq facts behind each in mesh/README.md.
struct ZmqSockets {
    /// Binds; throws std::runtime_error naming the address when that fails.
    ZmqSockets(const std::string& control, const std::string& data);

    zmq::context_t context;
    zmq::socket_t router;      ///< control, inbound only
    zmq::socket_t publisher;   ///< XPUB: data to the peers
    zmq::socket_t subscriber;  ///< SUB: data from the peers
    std::string bound_control;  ///< "host:port" as bound
    std::string bound_data;

    /// A DEALER to one peer, not connected yet.
    [[nodiscard]] zmq::socket_t dealer();
};

/// A socket that is received from by the hub's own poll over many of them.
///
/// libzmq signals a socket's descriptor for what comes while the socket's thread has seen all that came before, and for
/// nothing that a send or a connect has taken in on its way. So the socket is due to be looked at when the descriptor says
/// so and after everything else that was done with it, until a receive finds nothing: from there on the descriptor speaks again.
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

/// What a socket monitor says of a link.
enum class LinkEvent { kNone, kUp, kDown };

/// Watches one DEALER.
class LinkMonitor {
public:
    LinkMonitor(zmq::context_t& context, zmq::socket_t& watched, const std::string& name);
    /// The next event of interest; kNone when there is none now.
    [[nodiscard]] LinkEvent next();
    [[nodiscard]] Inlet& inlet() { return *inlet_; }

private:
    std::unique_ptr<zmq::socket_t> pair_;  ///< stays where it is, as the inlet refers to it
    std::optional<Inlet> inlet_;
};

}  // namespace tulle::mesh
