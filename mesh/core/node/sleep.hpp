#pragma once

#include <set>

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/records/publisher.hpp"

namespace tulle::mesh {

/// Deals with late turns of this node's own loop. After a long sleep the peers may have given this node up: publishers
/// get no promise until each peer has confirmed its session, has made a new session, or is dead.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Ownership: refers to the context and the Publisher of the node; both outlive the Sleep.
/// Limits: a peer without confirmation for `control_verdict` is given up, so publishers wait no longer.
/// Errors: none. A Pong of a former sleep is ignored.
class Sleep {
public:
    Sleep(MeshContext& context, Publisher& publisher) : context_(context), publisher_(publisher) {}

    /// A turn came late by `late`, more than `own_loop_late`. Beyond `own_loop_asleep` the publisher is paused and
    /// every peer is asked (Ping).
    void woke(Instant now, Duration late, Effects& out);
    /// A peer answers a Ping: its session stands.
    void on(Instant now, OriginId from, const Pong& pong, Effects& out);
    /// The peer knows our session, or is not waited for any more. After the last one the publisher resumes.
    void confirmed(Instant now, OriginId oid, Effects& out);
    /// A heartbeat is due to the peer: asks the peer again, or gives up a peer silent for `control_verdict`, the time
    /// after which a deaf peer is given up.
    void ask_again(Instant now, OriginId oid, Effects& out);
    /// Ends a turn: stops waiting for peers without a session or an attempt. A session to be confirmed may have ended
    /// for another attempt, and the attempt may have failed: such a peer sends no further word, so publishers would
    /// wait for ever.
    void tick(Instant now, Effects& out);

    /// When the last late turn ended.
    [[nodiscard]] Instant awake_since() const { return awake_since_; }
    /// Turns later than `own_loop_late`, and those later than `own_loop_asleep`.
    [[nodiscard]] std::uint64_t late_turns() const { return late_turns_; }
    [[nodiscard]] std::uint64_t sleeps() const { return sleeps_; }

private:
    MeshContext& context_;
    Publisher& publisher_;
    Instant awake_since_;
    /// Peers that have not confirmed our session yet.
    std::set<OriginId> unconfirmed_;
    /// Nonce of the Pings after the last sleep.
    std::uint64_t nonce_ = 0;
    std::uint64_t late_turns_ = 0;
    std::uint64_t sleeps_ = 0;
};

}  // namespace tulle::mesh
