#pragma once

#include <string>

#include "mesh/core/session/peer_table.hpp"
#include "mesh/core/session/seeds.hpp"

namespace tulle::mesh {

/// The control connections to other nodes: decides which endpoint may be dialled, when a lost peer is dialled again,
/// and which peer is forgotten when the table is full.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Ownership: refers to the PeerTable and the Seeds of the same Membership; both outlive the Dialler.
/// Limits: `handshakes` connections to nodes without a former session that have spoken to us, a part of them reserved
///         for expected endpoints; `handshakes_named` to nodes known by name only; `handshakes_at_endpoint` to a single
///         endpoint. Past a limit the attempt is put off. kMaxMembers peers; `names_per_peer` nodes that a peer may
///         name in vain. Past that limit names are ignored and counted.
/// Errors: none. A failed attempt ends in give_up().
class Dialler {
public:
    Dialler(PeerTable& table, const Seeds& seeds) : table_(table), seeds_(seeds) {}

    /// Opens a new control connection to the peer's endpoint. The endpoint of a dead peer, or of a peer known by
    /// hearsay alone, is checked as well, so a closed port is noticed before the handshake times out.
    /// REQUIRES: the peer has no connection.
    void open_connection(Instant now, Peer& peer, Effects& out);
    /// Closes the peer's connection, if any, and drops all that waited for the connection (checks, a Hello, a Welcome).
    void close_connection(Peer& peer, Effects& out);
    /// The connection stood and broke. The transport reconnects by itself; meanwhile the endpoint is checked, as a
    /// closed port proves the process dead.
    void on_connection_down(Instant now, Peer& peer, Effects& out);
    /// Sends a Knock with a fresh nonce to whichever process is at the end of the connection. A process other than the
    /// peer answers with a Hello or a Refuse of its own.
    /// REQUIRES: the peer has a connection.
    void ask_who_is_there(Peer& peer, Effects& out);
    /// Ends a handshake without success. A peer without any former session is erased, so `peer` may dangle afterwards;
    /// another peer stays dead, or has left, and is dialled again later if dead.
    /// REQUIRES: no session stands.
    void give_up(Instant now, Peer& peer, Effects& out);
    /// Schedules the next attempt. The pause doubles each time, from `redial_min` to `redial_max`, with jitter.
    void redial_later(Instant now, Peer& peer);

    /// True when a connection may be opened to a node at `endpoint` without a former session here. `spoke`: the node
    /// has sent us something; false for a node known only because a peer named the node.
    [[nodiscard]] bool may_dial(const std::string& endpoint, bool spoke);
    /// Charges the peer `by` for naming an unknown node. False when the peer has used up `names_per_peer`; the name is
    /// then counted as ignored. The budget grows by a name a second.
    [[nodiscard]] bool may_name(Instant now, OriginId by);
    /// Makes sure that the table has room for another peer, by erasing a dead, departed or merely named peer if need
    /// be. False when the table is full of living members. Pointers and references to peers without a session may
    /// dangle afterwards.
    [[nodiscard]] bool make_room(Effects& out);

    /// Call at the start of each turn, before tick() for any peer.
    void begin_tick() { named_full_ = false; }
    /// Asks the shell again whether anybody listens at the peer's endpoint, when the next check is due.
    void check_endpoint(Instant now, Peer& peer, Effects& out);
    /// Dials the peer again when the next attempt is due. A member dead for longer than `redial_for` is not dialled any
    /// more.
    /// REQUIRES: no session stands.
    void tick(Instant now, Peer& peer, Effects& out);

private:
    /// True when a member may come back at `endpoint`: the endpoint is configured, or belonged to a former member.
    /// Expected endpoints may use the reserved handshakes.
    [[nodiscard]] bool is_expected_at(const std::string& endpoint) const;

    PeerTable& table_;
    const Seeds& seeds_;
    /// True when this turn has used up `handshakes_named`. The turn then skips may_dial() for all further named peers,
    /// as each call counts all peers.
    bool named_full_ = false;
};

}  // namespace tulle::mesh
