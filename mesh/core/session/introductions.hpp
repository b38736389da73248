#pragma once

#include <vector>

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/session/membership.hpp"

namespace tulle::mesh {

/// Makes nodes known to each other: each newcomer is named to all peers, and a peer whose view differs for long is sent
/// the list of all nodes.
///
/// Thread: confined to the hub. Limits: `members_per_message` nodes in one message.
class Introductions {
public:
    Introductions(MeshContext& context, const Membership& membership) : context_(context), membership_(membership) {}

    void session_up(Instant now, Session& session);
    /// A peer's heartbeat says whom it knows.
    void on(Instant now, Session& session, const Heartbeat& heartbeat, Effects& out);
    /// Tells everybody whom a turn has brought: once a turn and peer, as a mesh that starts makes sessions by the
    /// dozen.
    void tick(Effects& out);

private:
    MeshContext& context_;
    const Membership& membership_;
    std::vector<MemberInfo> newcomers_;  // of this turn
};

}  // namespace tulle::mesh
