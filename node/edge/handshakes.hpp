#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <memory>

#include "mesh/base/time.hpp"
#include "node/edge/cipher.hpp"
#include "node/edge/connection.hpp"
#include "node/edge/node_limits.hpp"
#include "node/edge/reactor.hpp"

namespace tulle::node {

/// The newcomers of a TLS listener, from the accept to the end of their handshake.
///
/// A newcomer holds nothing but its socket until its first byte comes. Then the newcomer waits for one of
/// kMaxTlsHandshakes places, and has its handshake there. Each step of a handshake may cost the processor a
/// millisecond, so steps are taken at the end of the turns alone, for kTlsTurnTime a turn. Handshakes that have begun
/// come first: each that ends makes room for another. Those who wait for a place get it in their order; when the first
/// has waited for kTlsHandshakePatience, the last comes first, so that a crowd that stalls its handshakes does not hold
/// up those who come later.
///
/// Thread: the reactor's.
/// Limits: kTlsHandshakeTimeout, kTlsHandshakePatience. Newcomers count as connections of the node (Peer) and have no
///         limit of their own.
/// Errors: a handshake that fails is counted by its outcome (ShardCounters),
///         and its socket is closed.
///         An exception ends the newcomer alone.
class Handshakes {
public:
    /// Takes a socket whose handshake is done.
    using Done = std::function<void(Socket, Peer)>;

    /// The reactor must outlive the object, and the object must outlive the reactor's connections.
    Handshakes(Reactor& reactor, MakeCipher make, Done done);
    ~Handshakes();

    /// Takes in a newcomer.
    void begin(Socket socket, Peer peer);
    /// Takes the steps of this turn. Call once at the end of each turn.
    void run_some();
    /// The node is full: ends the newcomer that has been silent for longest. False: no newcomer is silent.
    [[nodiscard]] bool make_room();

private:
    class Newcomer;
    using Places = std::list<Newcomer*>;

    /// The next newcomer with a step to take; null: none, or no place is free.
    [[nodiscard]] std::shared_ptr<Newcomer> next();
    /// Frees a place for a newcomer. False: every place is in use by a peer that has sent something lately. The loop is
    /// then woken when that may have changed.
    [[nodiscard]] bool free_place();

    Reactor& reactor_;
    const MakeCipher make_;
    const Done done_;
    /// Newcomers that have sent nothing yet, the oldest first.
    Places silent_;
    /// Newcomers whose handshake waits for their peer, the longest wait first.
    Places waiting_;
    /// Newcomers with a place whose next step can be taken.
    std::deque<std::shared_ptr<Newcomer>> due_;
    /// Newcomers that have sent something and wait for a place.
    std::deque<std::shared_ptr<Newcomer>> hopeful_;
    /// Handshakes that have begun.
    std::size_t places_ = 0;
};

}  // namespace tulle::node
