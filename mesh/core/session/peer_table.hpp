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

/// A session with this peer stands; both sides know the other's tag.
struct SessionUp {
    OriginId oid;
    std::optional<RecordNo> their_delivered;  ///< of our records
    RecordNo their_at;                        ///< their last record when they chose their tag
    RecordNo our_at;                          ///< ours, when we chose ours
    std::vector<RecordNo> their_extras;       ///< what they have got of ours from others, beyond their_delivered
};
/// A session has ended: by a verdict, by a newer session, or because the peer left.
struct SessionDown {
    OriginId oid;
    PeerState now = PeerState::kJoining;
};
using MembershipEvent = std::variant<SessionUp, SessionDown>;

struct MembershipCounters {
    std::uint64_t suspicions = 0;
    std::uint64_t false_suspicions = 0;  ///< suspects that were heard again
    std::uint64_t deaths = 0;
    std::uint64_t reconnects = 0;  ///< connections that broke and came back in the same session
    std::uint64_t sessions = 0;
    std::uint64_t refused = 0;          ///< newcomers turned away
    std::uint64_t relayed = 0;          ///< messages passed on for others
    std::uint64_t stale = 0;            ///< messages for another incarnation or an ended session
    std::uint64_t put_off = 0;          ///< newcomers that were not dialled, as too many were just then
    std::uint64_t names_ignored = 0;    ///< nodes that a peer named beyond its share
    std::uint64_t control_redials = 0;  ///< of peers that data was heard of, but no control
    std::uint64_t control_deaths = 0;   ///< verdicts on peers whose control did not work although data spoke
    std::uint64_t stuck_deaths = 0;     ///< verdicts on peers that took in none of our interest
};

/// The nodes that this one knows, and all that the parts of Membership have in common: who we are, what has happened,
/// whether we dial.
///
/// Thread: confined to the hub. Limits: kMaxMembers peers; Dialler::make_room() sees to it.
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
    /// Null for a node that is not known.
    [[nodiscard]] const Peer* find(OriginId oid) const;
    [[nodiscard]] Peer* of_connection(ConnectionId connection);
    [[nodiscard]] bool has_session() const;
    /// All in session, and those that are about to be.
    [[nodiscard]] std::vector<MemberInfo> members() const;
    /// The newest protocol version that this node and all in session speak: what is newer is not used yet.
    [[nodiscard]] std::uint32_t common_protocol() const;
    /// XOR over the ids of all in session, oneself included: equal views have equal digests.
    [[nodiscard]] std::uint64_t digest() const { return digest_; }

    // ---- sessions
    /// A session with the peer stands from now on, whether one stood before or not.
    void begin_session(Peer& peer);
    /// The attempt or the session ends; who had a session is told of.
    void end_session(Peer& peer, PeerState state);
    void tell(MembershipEvent event) { events_.push_back(std::move(event)); }
    [[nodiscard]] std::vector<MembershipEvent> take_events() { return std::exchange(events_, {}); }

    // ---- what is said
    [[nodiscard]] Introduction introduction() const;
    [[nodiscard]] Control envelope(const Peer& peer, SessionTag tag, ControlBody body) const;
    [[nodiscard]] ConnectionId fresh_connection() { return ConnectionId{++last_connection_}; }
    /// Greater than all before, so that the newer of two is known; not to be guessed, so that nobody else can speak in
    /// the session.
    [[nodiscard]] SessionTag fresh_tag() {
        return SessionTag{(std::uint64_t{++attempts_} << 32) | (secret() & 0xffff'ffff)};
    }
    [[nodiscard]] std::uint64_t secret() { return options_.secret ? options_.secret() : prng_.next(); }
    /// Between three quarters and five quarters of `d`.
    [[nodiscard]] Duration jittered(Duration d);

    // ---- the node's own state
    [[nodiscard]] bool is_ready() const { return is_ready_; }
    void set_ready(bool ready) { is_ready_ = ready; }
    [[nodiscard]] bool is_dialling() const { return is_dialling_; }
    void stop_dialling() { is_dialling_ = false; }
    /// Whoever is in session and heard only puts deadlines off. All else is a change: every peer is looked at again.
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
    std::uint64_t digest_;  // kept up with each session, as every heartbeat bears it
    bool is_ready_ = false;
    bool is_dialling_ = true;
    bool is_changed_ = true;
};

}  // namespace tulle::mesh
