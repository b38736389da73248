#pragma once

#include <optional>
#include <string>

#include "mesh/core/session/dialler.hpp"
#include "mesh/core/session/own_control.hpp"
#include "mesh/core/session/peer_sender.hpp"

namespace tulle::mesh {

/// Pairwise liveness: who is heard, who is silent, on which path, and when a peer is dead. Hearsay makes it ask, never
/// believe.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
class Liveness {
public:
    Liveness(PeerTable& table, Dialler& dialler, OwnControl& own, const PeerSender& sender)
        : table_(table), dialler_(dialler), own_(own), sender_(sender) {}

    /// Something of the peer's session has come directly; on control.
    void heard(Instant now, Peer& peer, Effects& out);
    void heard_on_control(Instant now, Peer& peer, Effects& out);
    /// Control counts as heard now: nobody could have spoken before.
    static void restart_control(Instant now, Peer& peer);
    /// The peer has answered what we sent it on control at `sent`: it hears us there. A moment that can't be is
    /// ignored.
    void on_echo(Instant now, OriginId oid, Instant sent);
    void on_probe_ask(Instant now, OriginId from, const ProbeAsk& ask, Effects& out);
    void on_probe_answer(Instant now, OriginId from, const ProbeAnswer& answer);
    /// Nobody listens at the peer's endpoint.
    void on_endpoint_refused(Instant now, Peer& peer, Effects& out);
    /// Another node answers at this endpoint: whoever had it, and is not connected any more, is dead.
    void replace_at(Instant now, const std::string& endpoint, Effects& out);
    /// The peer said goodbye and all it sent has come.
    void on_left(Instant now, OriginId oid, Effects& out);
    void declare_dead(Instant now, Peer& peer, const std::string& why, Effects& out);
    /// Ends the session of a peer that takes in none of our interest; the pause before the next one grows each time.
    void give_up_stuck(Instant now, OriginId oid, const std::string& why, Effects& out);
    /// Our own loop was late by so much: nobody is to blame for the silence meanwhile.
    void forgive(Duration late);

    /// REQUIRES: a session stands.
    void tick(Instant now, Peer& peer, Effects& out);
    [[nodiscard]] std::optional<Instant> next_deadline(const Peer& peer) const;

    /// The peer was there, and its control messages had not come for as long as makes a peer suspect when its session
    /// ended.
    [[nodiscard]] bool was_deaf(Instant now, OriginId oid) const;
    /// A session with the peer has ended by give_up_stuck(), and none has stood for long since.
    [[nodiscard]] bool was_stuck(OriginId oid) const;
    [[nodiscard]] static bool is_shunned(Instant now, const Peer& peer) {
        return peer.shunned_until && now < *peer.shunned_until;
    }

private:
    /// The last moment at which it certainly lived, by whatever way we know.
    [[nodiscard]] static Instant latest_sign(const Peer& peer);
    void ask_witnesses(Instant now, Peer& peer, Effects& out);
    /// Data alone does not keep a peer alive: subscriptions are confirmed by control alone.
    void check_control(Instant now, Peer& peer, Effects& out);
    /// When check_control() has something to do next.
    [[nodiscard]] Instant control_deadline(const Peer& peer) const;
    void redial_control(Instant now, Peer& peer, Effects& out);
    /// The next session with the peer waits for `pause`.
    static void shun(Instant now, Peer& peer, Duration pause);

    PeerTable& table_;
    Dialler& dialler_;
    OwnControl& own_;
    const PeerSender& sender_;
};

}  // namespace tulle::mesh
