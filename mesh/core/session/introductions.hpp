#pragma once

#include <vector>

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/session/membership.hpp"

namespace tulle::mesh {

/// Makes nodes known to each other. Each newcomer is named to all peers; a peer with another view of the mesh is sent
/// the list of all nodes, at most once per `suspicion`.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Limits: `members_per_message` nodes in one message; longer lists are split into several messages.
/// Errors: none. A lost message is made up for when the views still differ later.
class Introductions {
public:
    Introductions(MeshContext& context, const Membership& membership) : context_(context), membership_(membership) {}

    /// A session stands: the peer is named to all others at the end of the turn.
    void session_up(Instant now, Session& session);
    /// A session has ended.
    void session_down() { members_changed(); }
    /// Compares the digest of the peer's members with ours. At most one list of all nodes is sent per `suspicion`.
    void on(Instant now, Session& session, const Heartbeat& heartbeat, Effects& out);
    /// Ends a turn: tells all peers the newcomers of the turn, in one message for each peer, as a starting mesh makes
    /// sessions by the dozen.
    void tick(Effects& out);

private:
    /// This node's members have changed: the last heartbeat of each peer was compared with other members than the
    /// present ones, so the peer's view counts as different until the next heartbeat.
    void members_changed();

    MeshContext& context_;
    const Membership& membership_;
    /// Newcomers of this turn.
    std::vector<MemberInfo> newcomers_;
};

}  // namespace tulle::mesh
