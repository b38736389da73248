#pragma once

#include <string>

#include "mesh/core/session/peer_table.hpp"
#include "mesh/core/session/seeds.hpp"

namespace tulle::mesh {

/// The connections to other nodes: whom this node may dial, when it dials again, and whom it forgets.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
/// Limits: `handshakes` with nodes that have spoken to us, a part of them reserved for those that are expected,
///         `handshakes_named` with nodes that are only named, `handshakes_at_endpoint` at one endpoint; kMaxMembers
///         nodes, `names_per_peer` that one peer may name in vain.
class Dialler {
public:
    Dialler(PeerTable& table, const Seeds& seeds) : table_(table), seeds_(seeds) {}

    void open_connection(Instant now, Peer& peer, Effects& out);
    void close_connection(Peer& peer, Effects& out);
    void on_connection_down(Instant now, Peer& peer, Effects& out);
    /// Whoever is at the peer's endpoint is asked who it is.
    void ask_who_is_there(Peer& peer, Effects& out);
    /// The handshake has not ended in time. The peer may be gone afterwards.
    void give_up(Instant now, Peer& peer, Effects& out);
    void redial_later(Instant now, Peer& peer);

    /// Whether a connection may be opened to a node there that never had a session here; `spoke`: that has spoken to
    /// us.
    [[nodiscard]] bool may_dial(const std::string& endpoint, bool spoke);
    /// Takes one from what `by` may name in vain. False when nothing is left.
    [[nodiscard]] bool may_name(Instant now, OriginId by);
    /// False when the table is full of living members.
    [[nodiscard]] bool make_room(Effects& out);

    /// Before the peers are looked at in a turn.
    void begin_tick() { named_full_ = false; }
    /// Looks whether anybody listens where the peer was.
    void check_endpoint(Instant now, Peer& peer, Effects& out);
    /// Dials the peer again when that is due. REQUIRES: no session stands.
    void tick(Instant now, Peer& peer, Effects& out);

private:
    /// A member may come there: the endpoint is configured, or is that of a node that was a member.
    [[nodiscard]] bool is_expected_at(const std::string& endpoint) const;

    PeerTable& table_;
    const Seeds& seeds_;
    bool named_full_ = false;  // in this turn nobody else who is only named is dialled
};

}  // namespace tulle::mesh
