#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mesh/base/prng.hpp"
#include "mesh/core/node/node_options.hpp"
#include "mesh/core/session/join_gate.hpp"
#include "mesh/core/session/peer.hpp"

namespace tulle::mesh {

/// A session with the peer stands: both sides know the other's tag.
struct SessionUp {
    OriginId oid;
    /// The last of our records that the peer has delivered; nothing if there was no session before.
    std::optional<RecordNo> their_delivered;
    /// The peer's last record when the peer drew its tag.
    RecordNo their_at;
    /// Our last record when we drew our tag.
    RecordNo our_at;
    /// Our records beyond their_delivered that the peer has got from other nodes, ascending.
    std::vector<RecordNo> their_extras;
};
/// A session has ended: by a verdict, by a newer session, or because the peer left.
struct SessionDown {
    OriginId oid;
    /// The peer's state from here on.
    PeerState now = PeerState::kJoining;
};
/// The news of Membership for the services of the node.
using MembershipEvent = std::variant<SessionUp, SessionDown>;

/// Counts since the start of the process, for `status` and metrics.
struct MembershipCounters {
    /// Peers that became suspects, and suspects that were heard again.
    std::uint64_t suspicions = 0;
    std::uint64_t false_suspicions = 0;
    std::uint64_t deaths = 0;
    /// Connections that broke and came back in the same session.
    std::uint64_t reconnects = 0;
    std::uint64_t sessions = 0;
    /// Newcomers turned away.
    std::uint64_t refused = 0;
    /// Messages passed on for others.
    std::uint64_t relayed = 0;
    /// Messages for another incarnation or an ended session.
    std::uint64_t stale = 0;
    /// Newcomers that were not dialled, as too many were being dialled.
    std::uint64_t put_off = 0;
    /// Nodes that a peer named beyond its share.
    std::uint64_t names_ignored = 0;
    /// Control connections replaced because data came from the peer, but no control.
    std::uint64_t control_redials = 0;
    /// Verdicts on peers with data, but without working control.
    std::uint64_t control_deaths = 0;
    /// Verdicts on peers that took in none of our interest.
    std::uint64_t stuck_deaths = 0;
};

/// The nodes known here, and the state shared by all parts of Membership: our own identity, counters, events, and
/// whether this node dials.
///
/// Thread: confined to the hub.
/// Ownership: owns the peers. Refers to `options` and `prng`, both of which outlive the table.
/// Limits: kMaxMembers peers; Dialler::make_room() keeps the limit.
/// Errors: none.
class PeerTable {
public:
    using Peers = std::map<OriginId, Peer>;

    PeerTable(const NodeOptions& options, Prng& prng)
        : options_(options), prng_(prng), gate_(options.timing.join), digest_(options.oid.value) {}

    [[nodiscard]] const NodeOptions& options() const { return options_; }
    [[nodiscard]] const Timing& timing() const { return options_.timing; }
    [[nodiscard]] const Limits& limits() const { return options_.limits; }
    [[nodiscard]] Prng& prng() { return prng_; }
    [[nodiscard]] MembershipCounters& counters() { return counters_; }
    [[nodiscard]] const MembershipCounters& counters() const { return counters_; }
    [[nodiscard]] JoinGate& gate() { return gate_; }
    [[nodiscard]] const JoinGate& gate() const { return gate_; }

    // ---- who is known
    [[nodiscard]] Peers& peers() { return peers_; }
    [[nodiscard]] const Peers& peers() const { return peers_; }
    /// The peer; null for an unknown node.
    [[nodiscard]] const Peer* find(OriginId oid) const;
    /// The peer at the end of the connection; null when the connection belongs to no peer.
    [[nodiscard]] Peer* of_connection(ConnectionId connection);
    /// True when a session stands with any peer.
    [[nodiscard]] bool has_session() const;
    /// All peers in session, and joining peers that have spoken to us, in order of oid.
    [[nodiscard]] std::vector<MemberInfo> members() const;
    /// The newest protocol version that this node and all peers in session speak. Features of a newer version must not
    /// be used yet.
    [[nodiscard]] std::uint32_t common_protocol() const;
    /// XOR over the ids of this node and all peers in session: equal views have equal digests.
    [[nodiscard]] std::uint64_t digest() const { return digest_; }

    // ---- sessions
    /// A session with the peer stands from here on, whether or not an older session stood.
    /// REQUIRES: the peer has a local tag.
    void begin_session(Peer& peer);
    /// Ends the attempt or the session, and sets the peer's state. A standing session is reported as SessionDown.
    void end_session(Peer& peer, PeerState state);
    /// Appends an event for take_events().
    void tell(MembershipEvent event) { events_.push_back(std::move(event)); }
    /// Returns the events since the last call, in order.
    [[nodiscard]] std::vector<MembershipEvent> take_events() { return std::exchange(events_, {}); }

    // ---- what is said
    /// The local node's introduction of itself, as of now.
    [[nodiscard]] Introduction introduction() const;
    /// A control message from this node to the peer, in the peer's protocol version.
    [[nodiscard]] Control envelope(const Peer& peer, SessionTag tag, ControlBody body) const;
    /// An id that no connection had before.
    [[nodiscard]] ConnectionId fresh_connection() { return ConnectionId{++last_connection_}; }
    /// A tag greater than all former ones, so the newer of two attempts is known. The lower half can't be guessed, so
    /// nobody else can speak in the session.
    [[nodiscard]] SessionTag fresh_tag() {
        return SessionTag{(std::uint64_t{++attempts_} << 32) | (secret() & 0xffff'ffff)};
    }
    /// 64 bits that nobody can guess, from NodeOptions::secret. Without a secret source (tests, simulator) the bits
    /// come from the seeded generator.
    [[nodiscard]] std::uint64_t secret() { return options_.secret ? options_.secret() : prng_.next(); }
    /// A random duration between three quarters and five quarters of `d`.
    [[nodiscard]] Duration jittered(Duration d);

    // ---- the node's own state
    /// True while this node serves clients.
    [[nodiscard]] bool is_ready() const { return is_ready_; }
    void set_ready(bool ready) { is_ready_ = ready; }
    /// False from the moment at which this node begins to leave.
    [[nodiscard]] bool is_dialling() const { return is_dialling_; }
    void stop_dialling() { is_dialling_ = false; }
    /// Something may have brought a deadline forward, so the next turn looks at every peer again. A message of a live
    /// peer only puts deadlines off, and is no change.
    void note_change() { is_changed_ = true; }
    [[nodiscard]] bool is_changed() const { return is_changed_; }
    void settle_change() { is_changed_ = false; }

private:
    const NodeOptions& options_;
    Prng& prng_;
    Peers peers_;
    std::vector<MembershipEvent> events_;
    JoinGate gate_;
    MembershipCounters counters_;
    std::uint32_t last_connection_ = 0;
    std::uint32_t attempts_ = 0;
    /// Updated with each session, as every heartbeat bears the digest.
    std::uint64_t digest_;
    bool is_ready_ = false;
    bool is_dialling_ = true;
    bool is_changed_ = true;
};

}  // namespace tulle::mesh
