#pragma once

#include <vector>

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/node/pulse.hpp"
#include "mesh/core/node/serving.hpp"
#include "mesh/core/node/tallies.hpp"
#include "mesh/core/session/membership.hpp"

namespace tulle::mesh {

/// The nodes of the mesh as people are shown them, in `status` and in traces.
/// Thread: confined to the hub.
class Roster {
public:
    Roster(const MeshContext& context, const Membership& membership, const InterestTable& interest,
           const Tallies& tallies, const Pulse& pulse, const Serving& serving, const LocalInterest& local)
        : context_(context),
          membership_(membership),
          interest_(interest),
          tallies_(tallies),
          pulse_(pulse),
          serving_(serving),
          local_(local) {}

    /// The line of this node itself.
    [[nodiscard]] MemberStatus own(Instant now) const;
    /// All others that are known, by name, those that have gone long ago included.
    [[nodiscard]] std::vector<MemberStatus> all(Instant now) const;
    /// Takes out the gone whose time is over, and those whose name another process bears now, or bore after them.
    void hide_long_gone(Instant now, std::vector<MemberStatus>& members) const;

private:
    [[nodiscard]] MemberStatus of(Instant now, const Peer& peer) const;
    [[nodiscard]] SessionStatus session(Instant now, const Peer& peer, const Session& session) const;

    const MeshContext& context_;
    const Membership& membership_;
    const InterestTable& interest_;
    const Tallies& tallies_;
    const Pulse& pulse_;
    const Serving& serving_;
    const LocalInterest& local_;
};

}  // namespace tulle::mesh
