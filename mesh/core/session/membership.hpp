#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "mesh/base/prng.hpp"
#include "mesh/core/session/dialler.hpp"
#include "mesh/core/session/handshake.hpp"
#include "mesh/core/session/key_ids.hpp"
#include "mesh/core/session/liveness.hpp"
#include "mesh/core/session/own_control.hpp"
#include "mesh/core/session/peer_sender.hpp"
#include "mesh/core/session/peer_table.hpp"
#include "mesh/core/session/refusals.hpp"
#include "mesh/core/session/seeds.hpp"

namespace tulle::mesh {

/// Knows which nodes are there. Hands each input to the part in charge (seeds, handshakes, dialling, liveness), and
/// calls the parts in one fixed order when a turn ends.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Order:  run the appended effects in order; handle the appended events before anything else is fed in.
/// Ownership: owns all parts and the table. Refers to `options` and `prng`, both of which outlive the Membership.
/// Limits: kMaxMembers peers; further limits are stated by Dialler, Seeds and Refusals.
/// Errors: none. Messages of no standing session are dropped and counted as stale.
///
/// Hearsay makes this node dial or probe, never believe. A peer is alive while a session with the peer stands and the
/// peer is heard.
class Membership {
public:
    using Records = Handshake::Records;
    using Refused = Refusals::Refused;

    Membership(const NodeOptions& options, Prng& prng, Records records);
    Membership(const Membership&) = delete;
    Membership& operator=(const Membership&) = delete;

    /// Dials all seeds and looks up their names. Call once.
    void start(Instant now, Effects& out) { seeds_.start(now, out); }
    /// A control connection stands. Returns the peer in session at the connection's end; 0 when there is none.
    OriginId on_connection_up(Instant now, ConnectionId connection, Effects& out);
    /// A control connection broke; the transport goes on trying.
    void on_connection_down(Instant now, ConnectionId connection, Effects& out);
    /// The answer to a CheckEndpoint.
    void on_endpoint_checked(Instant now, const EndpointChecked& checked, Effects& out);
    /// The mesh keys of the two sides of a control connection differ.
    void on_connection_refused(Instant now, ConnectionId connection, Effects& out);
    /// A subscription to our data has ended. The end alone says nothing of the peer, as a newer subscription may stand
    /// already.
    void on_subscriber_gone() { table_.note_change(); }
    /// The answer to a ResolveName.
    void on_name_resolved(Instant now, const NameResolved& resolved, Effects& out) {
        seeds_.on_name_resolved(now, resolved, out);
    }

    /// Takes in a control message. True: the message belongs to a standing session, and the caller handles it. False:
    /// the message was dealt with here, or dropped.
    [[nodiscard]] bool on_control(Instant now, const Control& message, Effects& out);
    /// As on_control(), for the data path.
    [[nodiscard]] bool on_data(Instant now, const Data& message, Effects& out);
    /// As on_control(), for a message that a witness has passed on. A handshake, or a Relay, is dropped and counted.
    [[nodiscard]] bool on_relayed(Instant now, const Control& message, Effects& out);
    [[nodiscard]] bool on_relayed(Instant now, const Data& message);

    /// Runs all timers: dialling, handshakes, suspicion, verdicts. Call at the end of each turn.
    void on_deadline(Instant now, Effects& out);
    /// When on_deadline() has something to do next. Exact if before `horizon`; otherwise some moment not before
    /// `horizon`, which spares a look at every peer.
    [[nodiscard]] Instant next_deadline(Instant horizon);

    /// The peer said goodbye and all its frames have come.
    void on_left(Instant now, OriginId oid, Effects& out) { liveness_.on_left(now, oid, out); }
    /// The peer takes in none of our interest: ends the session, see Liveness.
    void give_up_stuck(Instant now, OriginId oid, const std::string& why, Effects& out) {
        liveness_.give_up_stuck(now, oid, why, out);
    }
    /// The local node begins to leave: closes the connections to seeds and dials nobody any more.
    void stop_dialling(Effects& out);
    /// Tells the peers, from the next introduction on, whether this node serves clients.
    void set_ready(bool ready) { table_.set_ready(ready); }

    [[nodiscard]] PeerSender& sender() { return sender_; }
    [[nodiscard]] Liveness& liveness() { return liveness_; }
    [[nodiscard]] const Liveness& liveness() const { return liveness_; }
    [[nodiscard]] const Seeds& seeds() const { return seeds_; }
    /// The ids of this node's mesh keys and of its peers'.
    [[nodiscard]] KeyIds& key_ids() { return key_ids_; }

    /// Returns the sessions that began or ended since the last call, in order.
    [[nodiscard]] std::vector<MembershipEvent> take_events() { return table_.take_events(); }
    [[nodiscard]] const std::map<OriginId, Peer>& peers() const { return table_.peers(); }
    [[nodiscard]] const Peer* find(OriginId oid) const { return table_.find(oid); }
    [[nodiscard]] JoinGate& gate() { return table_.gate(); }
    [[nodiscard]] const JoinGate& gate() const { return table_.gate(); }
    /// True when our name was refused lately and no node has taken us in since: the node must not serve.
    [[nodiscard]] bool barred() const { return refusals_.is_barred(); }
    /// True when every peer has fallen silent on control while data spoke, and our own knocks do not come back either:
    /// this node's own control path does not work, so the node must not serve.
    [[nodiscard]] bool is_deaf() const { return own_.is_deaf(); }
    /// True when all configured peers that have answered have refused us, also peers that had taken us in before, and
    /// no session stands: the node must not serve.
    [[nodiscard]] bool is_refused() const;
    /// The latest refusals by either side, for `status`.
    [[nodiscard]] const std::vector<Refused>& refusals() const { return refusals_.latest(); }
    [[nodiscard]] const MembershipCounters& counters() const { return table_.counters(); }
    /// As in PeerTable.
    [[nodiscard]] std::uint64_t digest() const { return table_.digest(); }
    [[nodiscard]] std::vector<MemberInfo> members() const { return table_.members(); }
    [[nodiscard]] std::uint32_t common_protocol() const { return table_.common_protocol(); }

private:
    /// Visits the body of a message: decides whether the message is for a part of Membership, and hands it over if so.
    struct Handler;
    using Way = PeerSender::Way;

    /// True when the message bears the tag of our attempt or session; the first such message makes the session stand.
    /// `serves`: the message says that its sender serves clients. Anything else is stale, and may revive a dead peer.
    [[nodiscard]] bool in_standing_session(Instant now, OriginId from, SessionTag tag, Way way, bool serves,
                                           Effects& out);
    /// Deals with a message for Membership. False: the message is for a service.
    [[nodiscard]] bool handle(Instant now, const Control& message, Effects& out);
    /// Runs the timers of one peer. `peer` may dangle afterwards.
    void tick_peer(Instant now, Peer& peer, Effects& out);
    /// The earliest deadline of all parts and peers.
    [[nodiscard]] Instant first_deadline() const;

    PeerTable table_;
    Seeds seeds_;
    UnmetNotices unmet_notices_;
    Refusals refusals_;
    KeyIds key_ids_;
    PeerSender sender_;
    Dialler dialler_;
    OwnControl own_;
    Liveness liveness_;
    Handshake handshake_;
    /// Without a change, no timer is due before this moment.
    Instant quiet_until_;
};

}  // namespace tulle::mesh
