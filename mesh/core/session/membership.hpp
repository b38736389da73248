#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "mesh/base/prng.hpp"
#include "mesh/core/session/dialler.hpp"
#include "mesh/core/session/handshake.hpp"
#include "mesh/core/session/liveness.hpp"
#include "mesh/core/session/own_control.hpp"
#include "mesh/core/session/peer_sender.hpp"
#include "mesh/core/session/peer_table.hpp"
#include "mesh/core/session/refusals.hpp"
#include "mesh/core/session/seeds.hpp"

namespace tulle::mesh {

/// Who is there: hands what comes in to the part that it is for (seeds, handshakes, dialling, liveness), and calls the
/// parts in one order when a turn ends.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
/// Order:  run the appended effects in order; handle the appended events before anything else is fed in.
/// Hearsay makes it dial or probe, never believe; a peer is alive while there is a session with it and it is heard.
class Membership {
public:
    using Records = Handshake::Records;
    using Refused = Refusals::Refused;

    Membership(const NodeOptions& options, Prng& prng, Records records);
    Membership(const Membership&) = delete;
    Membership& operator=(const Membership&) = delete;

    void start(Instant now, Effects& out) { seeds_.start(now, out); }
    /// Returned is the peer in session that the connection leads to; 0 when there is none.
    OriginId on_connection_up(Instant now, ConnectionId connection, Effects& out);
    void on_connection_down(Instant now, ConnectionId connection, Effects& out);
    void on_endpoint_checked(Instant now, const EndpointChecked& checked, Effects& out);
    /// The end of a subscription says nothing of its peer: a newer one may stand already.
    void on_subscriber_gone() { table_.note_change(); }
    void on_name_resolved(Instant now, const NameResolved& resolved, Effects& out) {
        seeds_.on_name_resolved(now, resolved, out);
    }

    /// True: a message of a standing session, for the caller to handle. False: dealt with here, or dropped.
    [[nodiscard]] bool on_control(Instant now, const Control& message, Effects& out);
    /// As on_control(), for the data path.
    [[nodiscard]] bool on_data(Instant now, const Data& message, Effects& out);
    /// As on_control(), for a message that a witness has passed on. A handshake, or a Relay, is dropped and counted.
    [[nodiscard]] bool on_relayed(Instant now, const Control& message, Effects& out);
    [[nodiscard]] bool on_relayed(Instant now, const Data& message);

    /// Timers: dialling, handshakes, suspicion, verdicts.
    void on_deadline(Instant now, Effects& out);
    /// When on_deadline() has something to do next. Exact if that is before `horizon`; else some moment not before it.
    [[nodiscard]] Instant next_deadline(Instant horizon);

    /// The peer said goodbye and all it sent has come.
    void on_left(Instant now, OriginId oid, Effects& out) { liveness_.on_left(now, oid, out); }
    void give_up_stuck(Instant now, OriginId oid, const std::string& why, Effects& out) {
        liveness_.give_up_stuck(now, oid, why, out);
    }
    /// We begin to leave: no dialling any more.
    void stop_dialling(Effects& out);
    void set_ready(bool ready) { table_.set_ready(ready); }

    [[nodiscard]] PeerSender& sender() { return sender_; }
    [[nodiscard]] Liveness& liveness() { return liveness_; }
    [[nodiscard]] const Liveness& liveness() const { return liveness_; }
    [[nodiscard]] const Seeds& seeds() const { return seeds_; }

    [[nodiscard]] std::vector<MembershipEvent> take_events() { return table_.take_events(); }
    [[nodiscard]] const std::map<OriginId, Peer>& peers() const { return table_.peers(); }
    [[nodiscard]] const Peer* find(OriginId oid) const { return table_.find(oid); }
    [[nodiscard]] JoinGate& gate() { return table_.gate(); }
    [[nodiscard]] const JoinGate& gate() const { return table_.gate(); }
    /// Our name was refused just now and nobody has taken us in since: do not serve.
    [[nodiscard]] bool barred() const { return refusals_.is_barred(); }
    /// Every peer has fallen silent on control while data spoke, and we do not hear ourselves there either: this node's
    /// own control path does not work.
    [[nodiscard]] bool is_deaf() const { return own_.is_deaf(); }
    /// All configured peers that have answered have refused us, also those that had taken us in before, and there is no
    /// session: do not serve.
    [[nodiscard]] bool is_refused() const;
    [[nodiscard]] const std::vector<Refused>& refusals() const { return refusals_.latest(); }
    [[nodiscard]] const MembershipCounters& counters() const { return table_.counters(); }
    [[nodiscard]] std::uint64_t digest() const { return table_.digest(); }
    [[nodiscard]] std::vector<MemberInfo> members() const { return table_.members(); }
    [[nodiscard]] std::uint32_t common_protocol() const { return table_.common_protocol(); }

private:
    /// Says whether a message is for membership, and hands it over if so.
    struct Handler;
    using Way = PeerSender::Way;

    [[nodiscard]] bool in_standing_session(Instant now, OriginId from, SessionTag tag, Way way, bool serves,
                                           Effects& out);
    /// Deals with a message that is for membership; false: the message is for a service.
    [[nodiscard]] bool handle(Instant now, const Control& message, Effects& out);
    void tick_peer(Instant now, Peer& peer, Effects& out);
    [[nodiscard]] Instant first_deadline() const;

    PeerTable table_;
    Seeds seeds_;
    Refusals refusals_;
    PeerSender sender_;
    Dialler dialler_;
    OwnControl own_;
    Liveness liveness_;
    Handshake handshake_;
    Instant quiet_until_;  // without a change, nothing is due before
};

}  // namespace tulle::mesh
