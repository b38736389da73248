#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <zmq.hpp>

#include "mesh/io/address.hpp"
#include "mesh/io/monitored_socket.hpp"
#include "mesh/io/zap_handler.hpp"
#include "mesh/keys/mesh_key.hpp"

namespace tulle::mesh {

/// The sockets of one node, with all options set. mesh/README.md has the ZeroMQ facts behind each option.
///
/// With keys every socket speaks CURVE: a connection is encrypted, both sides have proved a key of the cluster, and no
/// byte of anybody else reaches a decoder of ours. Without keys (loopback, or a network that encrypts) connections are
/// open.
///
/// Every socket refuses peers of ZMTP 1.0 and 2.0, and anything other than ZMTP. libzmq takes a greeting without 0xff
/// for ZMTP 1.0, so without the refusal a web page's POST could carry a message. A ZAP domain makes libzmq refuse.
/// Without keys no ZAP handler exists behind the domain, so no handshake waits for a handler.
///
/// Ending: the sockets end before the context. The end of the context waits for the sockets and for the linger of each
///         DEALER.
struct ZmqSockets {
    static constexpr int kKeyEvents =
        ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    static constexpr int kConnectionEvents = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | kKeyEvents;
    /// The longest time for a connection of the proof at the start. A connection within the machine takes a
    /// millisecond; an overloaded machine must not keep the node from starting.
    static constexpr std::chrono::milliseconds kSelfTestPatience{5000};

    /// Binds both ports. With keys, proves first that a process without our key would be refused. Throws
    /// std::runtime_error with the address when an address cannot be bound, and with the reason when the proof fails.
    ZmqSockets(const std::string& control, const std::string& data, const KeyRing& keys);

    /// A DEALER for control to one peer, not connected yet. The monitor reports kConnectionEvents. Throws zmq::error_t,
    /// for instance without a free descriptor.
    [[nodiscard]] std::unique_ptr<MonitoredSocket> dealer();
    /// Prepares a connecting socket for its next connect(): the own key is the key in use, and the other side's key is
    /// the key at the place `key` of the ring. Connections made before stay as they are. No effect without keys.
    void aim(zmq::socket_t& socket, std::size_t key) const;
    /// Accepts the keys of `keys` from now on, and dials with its key in use. Standing connections stay.
    /// REQUIRES: keys before and after.
    void accept(const KeyRing& keys);
    /// Closes both ports. All inbound connections end. No effect on a port that is closed already. REQUIRES: keys.
    void unbind();
    /// Binds the ports again that unbind() has closed, with the key in use. Returns 0 when both ports are bound, and
    /// otherwise an error number; call again then. libzmq's own thread closes a port, within a millisecond (EADDRINUSE
    /// until then). Another process may have taken the port, and descriptors may be used up: both pass.
    [[nodiscard]] int bind_again();

    zmq::context_t context;
    KeyRing ring;
    /// Judges the keys of inbound connections; null without keys.
    std::unique_ptr<ZapHandler> zap;
    /// ROUTER: control from the peers, inbound only.
    MonitoredSocket router;
    /// XPUB: data to the peers.
    MonitoredSocket publisher;
    /// SUB: data from the peers. The monitor reports kConnectionEvents.
    MonitoredSocket subscriber;
    /// "host:port" as bound.
    std::string bound_control;
    /// "host:port" as bound.
    std::string bound_data;
    /// The id of the key in use when both ports were bound last; empty without keys.
    std::string bound_key;
    /// False between unbind() and a successful bind_again().
    bool is_control_bound = true;
    bool is_data_bound = true;

private:
    /// Connects to sockets made as the real ones are, by an unknown key and by our own. Throws std::runtime_error.
    void test_keys();
};

}  // namespace tulle::mesh
