#pragma once

#include <set>

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/records/publisher.hpp"

namespace tulle::mesh {

/// Deals with late turns of this node's own loop. After a long sleep the peers may have given this node up:
/// nothing is promised to a publisher until each peer has confirmed its session, has made a new one, or is dead.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
class Sleep {
public:
    Sleep(MeshContext& context, Publisher& publisher) : context_(context), publisher_(publisher) {}

    /// A turn came `late`, beyond `own_loop_late`.
    void woke(Instant now, Duration late, Effects& out);
    void on(Instant now, OriginId from, const Pong& pong, Effects& out);
    /// The peer knows our session, or nothing of it is waited for any more.
    void confirmed(Instant now, OriginId oid, Effects& out);
    /// A heartbeat is due to the peer: asks it once more. A peer that has not confirmed its session in the time in
    /// which a deaf one is given up is given up too.
    void ask_again(Instant now, OriginId oid, Effects& out);
    /// Ends a turn. A session that was to be confirmed may have ended for another attempt, and that attempt may have
    /// failed: of such a node no further word comes, and no further event, so publishers would wait for ever.
    void tick(Instant now, Effects& out);

    /// The end of the last late turn.
    [[nodiscard]] Instant awake_since() const { return awake_since_; }
    [[nodiscard]] std::uint64_t late_turns() const { return late_turns_; }
    [[nodiscard]] std::uint64_t sleeps() const { return sleeps_; }

private:
    MeshContext& context_;
    Publisher& publisher_;
    Instant awake_since_;
    std::set<OriginId> unconfirmed_;  // have not said yet that they know our session
    std::uint64_t nonce_ = 0;         // of the Pings of the last sleep
    std::uint64_t late_turns_ = 0;
    std::uint64_t sleeps_ = 0;
};

}  // namespace tulle::mesh
