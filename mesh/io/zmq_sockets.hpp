#pragma once

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

/// What a socket monitor says of a link.
enum class LinkEvent { kNone, kUp, kDown };

/// Watches one DEALER.
class LinkMonitor {
public:
    LinkMonitor(zmq::context_t& context, zmq::socket_t& watched, const std::string& name);
    /// The next event of interest; kNone when there is none now.
    [[nodiscard]] LinkEvent next();
    [[nodiscard]] zmq::socket_t& socket() { return pair_; }

private:
    zmq::socket_t pair_;
};

}  // namespace tulle::mesh
