#pragma once

#include <optional>
#include <string>

#include "mesh/core/session/dialler.hpp"
#include "mesh/core/session/own_control.hpp"
#include "mesh/core/session/peer_sender.hpp"

namespace tulle::mesh {

/// Pairwise liveness: which peer is heard, which is silent, on which path, and when a peer is dead. Hearsay makes this
/// node ask, never believe. The head of liveness.cpp explains the algorithm.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Ownership: refers to the parts of the same Membership; all of them outlive the Liveness.
/// Limits: at most 3 witnesses are asked in a round.
/// Errors: none. An answer to an old round, or about an unknown node, is ignored.
class Liveness {
public:
    Liveness(PeerTable& table, Dialler& dialler, OwnControl& own, const PeerSender& sender)
        : table_(table), dialler_(dialler), own_(own), sender_(sender) {}

    /// A message of the peer's session has come directly, on either path. Ends all suspicion.
    void heard(Instant now, Peer& peer, Effects& out);
    /// A message of the peer's session has come directly on control. Call after heard().
    void heard_on_control(Instant now, Peer& peer, Effects& out);
    /// Counts control as heard and answered now: the peer had no chance to speak before.
    static void restart_control(Instant now, Peer& peer);
    /// The peer has answered a control message that we sent at `sent`: the peer hears us there. A moment after `now` is
    /// impossible and ignored.
    void on_echo(Instant now, OriginId oid, Instant sent);
    /// The peer says in a heartbeat that its ports may refuse for a moment, at some time `within` from now on. A
    /// refusal until then says nothing about the peer; silence still does. 0: the peer says nothing of the kind.
    void on_rebind(Instant now, OriginId oid, std::chrono::milliseconds within);
    /// Answers whether we hear the peer asked for.
    void on_probe_ask(Instant now, OriginId from, const ProbeAsk& ask, Effects& out);
    /// Counts a witness's answer, if it belongs to the current round.
    void on_probe_answer(Instant now, OriginId from, const ProbeAnswer& answer);
    /// Nobody listens at the peer's endpoint: a peer in session is dead, and an attempt ends. Ignored while the
    /// connection stands. `peer` may dangle afterwards.
    void on_endpoint_refused(Instant now, Peer& peer, Effects& out);
    /// A node answers at this endpoint. A former node of the endpoint is declared dead if its connection has broken; a
    /// dead one is not dialled any more. Call only when the answering process is certainly at the endpoint.
    void replace_at(Instant now, const std::string& endpoint, Effects& out);
    /// The peer said goodbye and all its frames have come: the session ends in order.
    void on_left(Instant now, OriginId oid, Effects& out);
    /// Ends the session by a verdict, closes the connection and schedules the next attempt. `why` is for the log.
    /// REQUIRES: a session stands.
    void declare_dead(Instant now, Peer& peer, const std::string& why, Effects& out);
    /// Ends the session of a peer that takes in none of our interest. The pause before the next session doubles each
    /// time, from `shun_stuck_min` to `shun_stuck_max`. No effect without a session.
    void give_up_stuck(Instant now, OriginId oid, const std::string& why, Effects& out);
    /// Our own loop came late by `late`: moves all timeouts, as no peer is to blame for the silence meanwhile.
    void forgive(Duration late);

    /// Looks at the peer's silence: suspects, asks witnesses, declares dead, checks control.
    /// REQUIRES: a session stands.
    void tick(Instant now, Peer& peer, Effects& out);
    /// When tick() has something to do next; nothing without a session.
    [[nodiscard]] std::optional<Instant> next_deadline(const Peer& peer) const;

    /// True when the peer was heard although its control messages had not come for `suspicion` or longer, up to the
    /// peer's last sign of life.
    [[nodiscard]] bool was_deaf(Instant now, OriginId oid) const;
    /// True when the peer has answered nothing that we sent within the last `suspicion`, whether or not the peer was
    /// heard: a peer that waits for our receipts may have had more to say.
    [[nodiscard]] bool was_unanswered(Instant now, OriginId oid) const;
    /// True when a session with the peer has ended by give_up_stuck(), and no later session has stood for
    /// `strike_memory`.
    [[nodiscard]] bool was_stuck(OriginId oid) const;
    /// True while the pause after a deaf or stuck session lasts.
    [[nodiscard]] static bool is_shunned(Instant now, const Peer& peer) {
        return peer.shunned_until && now < *peer.shunned_until;
    }

private:
    /// The last moment at which the peer certainly lived, by a direct word, an answer by any way, or a witness.
    [[nodiscard]] static Instant latest_sign(const Peer& peer);
    /// Asks up to 3 peers, drawn at random, whether they hear the peer.
    void ask_witnesses(Instant now, Peer& peer, Effects& out);
    /// Dials a silent control path again, then declares the peer dead. Data alone does not keep a peer alive, because
    /// subscriptions are confirmed by control.
    /// REQUIRES: the peer is alive.
    void check_control(Instant now, Peer& peer, Effects& out);
    /// When check_control() has something to do next.
    [[nodiscard]] Instant control_deadline(const Peer& peer) const;
    /// The last moment at which control certainly worked in both directions, directly or by a witness.
    [[nodiscard]] static Instant control_worked(const Peer& peer);
    /// Ends the session of a peer whose control does not work. The pause before the next session grows with each time
    /// in a row, up to `shun_deaf_max`.
    void declare_deaf(Instant now, Peer& peer, const std::string& why, Effects& out);
    /// Replaces our control connection to the peer; the session stands.
    void redial_control(Instant now, Peer& peer, Effects& out);
    /// Puts the next session with the peer off by `pause`.
    static void shun(Instant now, Peer& peer, Duration pause);

    PeerTable& table_;
    Dialler& dialler_;
    OwnControl& own_;
    const PeerSender& sender_;
};

}  // namespace tulle::mesh
