#pragma once

#include <cstdint>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "mesh/io/monitored_socket.hpp"
#include "mesh/keys/mesh_key.hpp"

namespace tulle::mesh {

/// Says which keys may connect to the bound sockets of a context (ZeroMQ's RFC 27, ZAP). libzmq has checked by then
/// that the other side owns the secret half of its key. Without a handler libzmq would let in every key.
///
/// The handler accepts the client keys of the ring, and nothing else: not the NULL mechanism, not another domain. The
/// user id of an accepted connection is the id of its key.
///
/// Thread: that of the context's other sockets; handshakes wait for answer(). Create the handler before any socket of
///         the context is bound, and destroy it after the last one has closed.
/// Limits: kRequestsPerTurn answers a turn; further requests wait in libzmq. A request comes only from a process that
///         knows the mesh's public server key.
/// Errors: the constructor throws zmq::error_t. A malformed request is answered with a refusal.
class ZapHandler {
public:
    static constexpr std::size_t kRequestsPerTurn = 256;
    /// The domain of all sockets of the mesh.
    static constexpr const char* kDomain = "tulle";

    ZapHandler(zmq::context_t& context, KeyRing ring);
    ZapHandler(const ZapHandler&) = delete;
    ZapHandler& operator=(const ZapHandler&) = delete;

    [[nodiscard]] Inlet& requests() { return inlet_; }
    /// Replaces the ring. Standing connections stay.
    void accept(KeyRing ring) { ring_ = std::move(ring); }
    /// Answers the waiting requests.
    void answer();
    /// Requests refused.
    [[nodiscard]] std::uint64_t refused() const { return refused_; }
    /// Begins to count at 0 again.
    void forget_refused() { refused_ = 0; }

private:
    /// The key that a request proves, or null.
    [[nodiscard]] const MeshKey* judge(const std::vector<zmq::message_t>& request);

    zmq::socket_t socket_;
    Inlet inlet_;
    KeyRing ring_;
    std::uint64_t refused_ = 0;
};

}  // namespace tulle::mesh
