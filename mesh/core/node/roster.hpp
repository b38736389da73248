#pragma once

#include <vector>

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/node/pulse.hpp"
#include "mesh/core/node/serving.hpp"
#include "mesh/core/node/tallies.hpp"
#include "mesh/core/session/membership.hpp"

namespace tulle::mesh {

/// Describes the nodes of the mesh for people, in `status` and in traces.
///
/// Thread: confined to the hub.
/// Ownership: refers to tables and services of the same node; all of them outlive the Roster.
/// Errors: none.
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
    /// All other known nodes by name, long gone nodes included.
    [[nodiscard]] std::vector<MemberStatus> all(Instant now) const;
    /// Removes gone members after their time, and gone members with a name that another process bears now or bore
    /// later. A dead configured peer stays, as long as no other process bears its name or lives at its endpoint.
    void hide_long_gone(Instant now, std::vector<MemberStatus>& members) const;

private:
    /// The line of a peer.
    [[nodiscard]] MemberStatus of(Instant now, const Peer& peer) const;
    /// The part of the line about the standing session.
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
