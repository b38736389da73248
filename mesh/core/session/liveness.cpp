#include "mesh/core/session/liveness.hpp"

#include <algorithm>
#include <utility>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {

// Liveness between this node and each peer. Every valid message counts as a sign of life. After `suspicion` without
// any, the peer is suspect and witnesses are asked in rounds. The peer is dead when
//  - it has been silent on every way for `verdict`, and a witness answered "no" and none "yes" in the round;
//  - it has been silent on every way for `verdict_alone`, whatever the witnesses say;
//  - control has not worked for `control_verdict`, directly or by a witness, whatever the witnesses say.
// A peer heard by a witness alone is partial: messages are relayed, and the session stands. An alive peer is also
// checked on control: both directions must work, or control is dialled again and the peer finally dies. The check goes
// on when the peer falls silent: no witness's word makes control work. Most likely the peer has given us up, and a peer
// that still hears us gives us up after the same time, as we answer nothing.
static_assert(4 * Timing{}.heartbeat <= Timing{}.suspicion, "one lost heartbeat makes nobody a suspect");
static_assert(Timing{}.suspicion + 2 * Timing{}.probe_round <= Timing{}.verdict, "witnesses are asked twice before it");
static_assert(Timing{}.verdict < Timing{}.verdict_alone && Timing{}.verdict_alone < Timing{}.control_verdict);
static_assert(Timing{}.control_deaf < Timing{}.control_verdict, "control is dialled again before it counts as dead");
static_assert(Timing{}.control_deaf + Timing{}.suspicion < Timing{}.control_verdict,
              "a peer that falls silent soon after the new dial is not dead as soon as it is suspect");
static_assert(Timing{}.shun_stuck_min <= Timing{}.shun_stuck_max);
static_assert(Timing{}.shun_stuck_max < Timing{}.strike_memory, "a pause does not make up for a failure");

void Liveness::heard(Instant now, Peer& peer, Effects& out) {
    const Duration silence = now - peer.last_heard;
    if (silence >= table_.timing().verdict || peer.state == PeerState::kPartial) {
        // A long silence on every path says nothing about control.
        restart_control(now, peer);
    } else if (silence > table_.timing().data_keepalive) {
        // Nor does a shorter silence: a cut of all paths and a short silence of control after the cut must not add up
        // to a death. Only the part beyond the normal pauses of the data path is forgiven, as pauses alone would
        // otherwise hide a deaf control path for ever.
        const Duration cut = silence - table_.timing().data_keepalive;
        peer.control_heard = std::min(now, peer.control_heard + cut);
        peer.control_echoed = std::min(now, peer.control_echoed + cut);
    }
    peer.last_heard = now;
    if (peer.connection_up && peer.connection_lost) {
        peer.connection_lost = false;
        ++table_.counters().reconnects;
    }
    if (peer.state == PeerState::kSuspect || peer.state == PeerState::kPartial) {
        ++table_.counters().false_suspicions;
        out.push_back(Notice{Severity::kInfo, peer.name + " is heard again", EventKind::kHeard});
        peer.state = PeerState::kAlive;
    }
    peer.deaf_via = {};
    peer.probe.forget();
}

void Liveness::heard_on_control(Instant now, Peer& peer, Effects& out) {
    peer.control_heard = now;
    own_.heard(out);
    // A session that has stood for so long makes up for earlier failures.
    if (now - peer.session_since >= table_.timing().strike_memory) {
        peer.deaf_strikes = 0;
        peer.stuck_strikes = 0;
    }
}

void Liveness::restart_control(Instant now, Peer& peer) {
    peer.control_heard = now;
    peer.control_echoed = now;
    peer.control_redialled = false;
}

void Liveness::on_rebind(Instant now, OriginId oid, std::chrono::milliseconds within) {
    const auto found = table_.peers().find(oid);
    if (found != table_.peers().end() && within > 0ms) {
        TULLE_ASSERT(within <= std::chrono::milliseconds(kMaxRebindMs));
        found->second.rebind_until = now + within;
    }
}

void Liveness::on_echo(Instant now, OriginId oid, Instant sent) {
    const auto found = table_.peers().find(oid);
    if (found != table_.peers().end() && sent <= now) {
        found->second.control_echoed = std::max(found->second.control_echoed, sent);
        found->second.surely_echoed = std::max(found->second.surely_echoed, sent);
    }
}

bool Liveness::was_deaf(Instant now, OriginId oid) const {
    const Peer* peer = table_.find(oid);
    if (peer == nullptr) {
        return false;
    }
    const Duration suspicion = table_.timing().suspicion;
    // A peer that is still heard lives until now; a silent peer lived until it was last heard.
    const bool silent = now - peer->last_heard >= suspicion;
    return (silent ? peer->last_heard : now) - peer->control_heard >= suspicion;
}

bool Liveness::was_unanswered(Instant now, OriginId oid) const {
    const Peer* peer = table_.find(oid);
    return peer != nullptr && now - peer->surely_echoed >= table_.timing().suspicion;
}

bool Liveness::was_stuck(OriginId oid) const {
    const Peer* peer = table_.find(oid);
    return peer != nullptr && peer->stuck_strikes > 0;
}

Instant Liveness::control_worked(const Peer& peer) {
    return std::min(peer.control_heard, peer.control_echoed);
}

Instant Liveness::control_deadline(const Peer& peer) const {
    const Timing& timing = table_.timing();
    return control_worked(peer) + (peer.control_redialled ? timing.control_verdict : timing.control_deaf);
}

void Liveness::check_control(Instant now, Peer& peer, Effects& out) {
    TULLE_ASSERT(peer.state == PeerState::kAlive);
    const Timing& timing = table_.timing();
    // Both directions count: messages from the peer, and the peer's answers to ours.
    const Duration unheard = now - peer.control_heard;
    const Duration unanswered = now - peer.control_echoed;
    const Duration longest = std::max(unheard, unanswered);
    if (longest < timing.control_deaf) {
        peer.control_redialled = false;
        return;
    }
    // First remedy, once: dial again. A peer that is reached through a witness is not helped by a new connection. The
    // fault may also be ours, so the node listens for itself.
    if (longest < timing.control_verdict) {
        if (!std::exchange(peer.control_redialled, true) && peer.route_via == OriginId{}) {
            redial_control(now, peer, out);
        }
        own_.listen(now, out);
        return;
    }
    // The remedy did not help.
    const std::string time = std::to_string(longest / 1ms) + " ms";
    declare_deaf(now, peer,
                 unheard >= timing.control_verdict ? "it speaks on the data path alone for " + time
                                                   : "it does not hear our control messages for " + time,
                 out);
}

void Liveness::declare_deaf(Instant now, Peer& peer, const std::string& why, Effects& out) {
    // The session ends, and the next handshake must prove that control works both ways.
    ++table_.counters().control_deaths;
    own_.note_death(now);
    declare_dead(now, peer, why, out);
    // The first death costs no pause. Each further death adds a second.
    shun(now, peer, std::min<Duration>(peer.deaf_strikes * 1s, table_.timing().shun_deaf_max));
    ++peer.deaf_strikes;
}

void Liveness::give_up_stuck(Instant now, OriginId oid, const std::string& why, Effects& out) {
    const auto found = table_.peers().find(oid);
    if (found == table_.peers().end() || !found->second.in_session()) {
        return;
    }
    table_.note_change();
    ++table_.counters().stuck_deaths;
    Peer& peer = found->second;
    declare_dead(now, peer, why, out);
    // The exponent is bounded, as the shift would overflow.
    const Duration pause = table_.timing().shun_stuck_min * (1u << std::min(peer.stuck_strikes, 8u));
    shun(now, peer, std::min(table_.timing().shun_stuck_max, pause));
    ++peer.stuck_strikes;
}

void Liveness::shun(Instant now, Peer& peer, Duration pause) {
    if (pause > 0ms) {
        peer.shunned_until = now + pause;
        peer.redial_at = now + pause;
    }
}

void Liveness::redial_control(Instant now, Peer& peer, Effects& out) {
    TULLE_ASSERT(peer.in_session());
    ++table_.counters().control_redials;
    out.push_back(Notice{Severity::kWarn,
                         "control between us and " + peer.name + " is silent although data speaks: dialling again",
                         EventKind::kPath});
    dialler_.close_connection(peer, out);
    peer.connection = table_.fresh_connection();
    peer.check_at = now + table_.timing().endpoint_check;
    out.push_back(OpenConnection{*peer.connection, peer.endpoints.control});
    out.push_back(CheckEndpoint{*peer.connection, peer.endpoints.control});
}

Instant Liveness::latest_sign(const Peer& peer) {
    // A message that a witness passes on may be old: it may have waited on the way from the witness, and have been sent
    // before the peer was cut off. An answer to a message of ours was sent later than that message, whatever its way.
    return std::max({peer.last_heard, peer.surely_echoed, peer.probe.evidence});
}

void Liveness::forgive(Duration late) {
    table_.note_change();
    for (auto& [oid, peer] : table_.peers()) {
        if (peer.in_session()) {
            peer.last_heard += late;
            peer.control_heard += late;
            peer.control_echoed += late;
            peer.surely_echoed += late;
            peer.probe.next_round += late;
        }
        // A handshake also gets back the time that our own loop lost.
        if (peer.give_up_at) {
            *peer.give_up_at += late;
        }
    }
}

std::optional<Instant> Liveness::next_deadline(const Peer& peer) const {
    if (!peer.in_session()) {
        return std::nullopt;
    }
    if (peer.state == PeerState::kAlive) {
        return std::min(peer.last_heard + table_.timing().suspicion, control_deadline(peer));
    }
    return std::min(peer.probe.next_round, control_worked(peer) + table_.timing().control_verdict);
}

void Liveness::tick(Instant now, Peer& peer, Effects& out) {
    TULLE_ASSERT(peer.in_session());
    const Timing& timing = table_.timing();
    if (const Duration unheard = now - peer.last_heard;
        peer.state == PeerState::kAlive && unheard >= timing.suspicion) {
        peer.state = PeerState::kSuspect;
        ++table_.counters().suspicions;
        out.push_back(Notice{Severity::kWarn,
                             peer.name + " is silent for " + std::to_string(unheard / 1ms) + " ms: suspect",
                             EventKind::kSuspect});
        peer.probe.forget();
        // Witnesses are asked at once: their answers take a round trip.
        ask_witnesses(now, peer, out);
        return;
    }
    if (peer.state == PeerState::kAlive) {
        check_control(now, peer, out);
        return;
    }
    // A witness may hear the peer although the peer says nothing to us by that way either. Then the peer has given us
    // up, and no handshake can pass.
    if (const Duration time = now - control_worked(peer); time >= timing.control_verdict) {
        declare_deaf(now, peer,
                     "control between us has not worked for " + std::to_string(time / 1ms) +
                         " ms, and nothing comes directly any more",
                     out);
        return;
    }
    if (now < peer.probe.next_round) {
        return;
    }
    const Duration silence = now - latest_sign(peer);
    const bool agreed = peer.probe.answers_no > 0 && peer.probe.answers_yes == 0;
    if (silence >= timing.verdict_alone || (silence >= timing.verdict && agreed)) {
        declare_dead(now, peer, "silent for " + std::to_string(silence / 1ms) + " ms", out);
        return;
    }
    // A witness must have heard the peer at least half a `suspicion` after we last did, or a frozen peer would look
    // partial for a moment.
    if (peer.state == PeerState::kSuspect && peer.probe.evidence >= peer.last_heard + timing.suspicion / 2) {
        peer.state = PeerState::kPartial;
        peer.deaf_via = peer.probe.witness;
        out.push_back(
            Notice{Severity::kWarn, peer.name + " is heard by others, not by us: partial", EventKind::kPartial});
    }
    ask_witnesses(now, peer, out);
}

void Liveness::ask_witnesses(Instant now, Peer& peer, Effects& out) {
    std::vector<OriginId> witnesses;
    for (const auto& [oid, other] : table_.peers()) {
        if (oid != peer.oid && other.state == PeerState::kAlive) {
            witnesses.push_back(oid);
        }
    }
    peer.probe.round += 1;
    peer.probe.next_round = now + table_.timing().probe_round;
    peer.probe.answers_no = 0;
    peer.probe.answers_yes = 0;
    // Three at most: many nodes may suspect the same peer at once, and each of them asks.
    for (std::size_t asked = 0; asked < 3 && !witnesses.empty(); ++asked) {
        const auto chosen = witnesses.begin() + static_cast<std::ptrdiff_t>(table_.prng().below(witnesses.size()));
        sender_.send(*chosen, ProbeAsk{peer.oid, peer.probe.round}, out);
        witnesses.erase(chosen);
    }
    // The next look must not come later than the verdict without witnesses.
    const Instant latest = latest_sign(peer) + table_.timing().verdict_alone;
    if (latest > now) {
        peer.probe.next_round = std::min(peer.probe.next_round, latest);
    }
}

void Liveness::on_probe_ask(Instant now, OriginId from, const ProbeAsk& ask, Effects& out) {
    ProbeAnswer answer{.target = ask.target, .round = ask.round};
    if (const Peer* target = table_.find(ask.target); target != nullptr && target->was_alive) {
        const Duration silence = now - target->last_heard;
        // A peer that is partial here is not "heard": only a direct word counts.
        const bool hears = target->state == PeerState::kAlive && silence < table_.timing().suspicion;
        answer.hearing = hears ? Hearing::kYes : Hearing::kNo;
        answer.silence_us = static_cast<std::uint64_t>(silence / 1us);
    }
    sender_.send(from, answer, out);
}

void Liveness::on_probe_answer(Instant now, OriginId from, const ProbeAnswer& answer) {
    const auto found = table_.peers().find(answer.target);
    if (found == table_.peers().end() || answer.round != found->second.probe.round) {
        return;
    }
    if (answer.hearing == Hearing::kYes) {
        // The evidence dates from when the witness heard the peer, or a frozen peer would gain the time of a round. An
        // impossible age is cut to a second.
        const Duration silence = std::chrono::microseconds{std::min<std::uint64_t>(answer.silence_us, 1'000'000)};
        found->second.probe.evidence = std::max(found->second.probe.evidence, now - silence);
        found->second.probe.witness = from;
        if (found->second.state == PeerState::kPartial) {
            // Any witness that hears the peer can pass messages on; the latest is the freshest.
            found->second.deaf_via = from;
        }
        ++found->second.probe.answers_yes;
    } else if (answer.hearing == Hearing::kNo) {
        ++found->second.probe.answers_no;
    }
}

void Liveness::declare_dead(Instant now, Peer& peer, const std::string& why, Effects& out) {
    TULLE_ASSERT(peer.in_session());
    ++table_.counters().deaths;
    out.push_back(Notice{Severity::kWarn, peer.name + " (" + to_hex(peer.oid) + ") is dead: " + why, EventKind::kDead});
    table_.end_session(peer, PeerState::kDead);
    dialler_.close_connection(peer, out);
    peer.dead_since = now;
    table_.gate().member_gone(peer.oid);
    dialler_.redial_later(now, peer);
}

void Liveness::on_left(Instant now, OriginId oid, Effects& out) {
    table_.note_change();
    const auto found = table_.peers().find(oid);
    if (found == table_.peers().end() || !found->second.in_session()) {
        return;
    }
    Peer& peer = found->second;
    peer.has_left = true;
    out.push_back(Notice{Severity::kInfo, peer.name + " has left", EventKind::kLeft});
    table_.end_session(peer, PeerState::kLeft);
    dialler_.close_connection(peer, out);
    peer.dead_since = now;
    table_.gate().member_gone(oid);
}

void Liveness::replace_at(Instant now, const std::string& endpoint, Effects& out) {
    for (auto& [oid, peer] : table_.peers()) {
        if (peer.endpoints.control != endpoint) {
            continue;
        }
        if (peer.in_session() && peer.connection_lost) {
            declare_dead(now, peer, "another process has taken its place", out);
        }
        if (peer.state == PeerState::kDead) {
            dialler_.close_connection(peer, out);
            // Another process lives there now, so dialling the dead one is useless.
            peer.redial_at.reset();
        }
    }
}

void Liveness::on_endpoint_refused(Instant now, Peer& peer, Effects& out) {
    if (peer.connection_up) {
        return;
    }
    // An announced rebind: the next check comes after `endpoint_check`, and silence decides meanwhile.
    if (peer.in_session() && now < peer.rebind_until) {
        return;
    }
    if (peer.in_session()) {
        declare_dead(now, peer, "its endpoint refuses", out);
    } else if (peer.state == PeerState::kDead) {
        // The attempt ends too: an attempt under way holds up the asking of survivors.
        dialler_.give_up(now, peer, out);
    } else if (!peer.spoke_to_us) {
        // A peer known by name only, with a closed port, is forgotten.
        table_.gate().member_gone(peer.oid);
        dialler_.close_connection(peer, out);
        table_.peers().erase(peer.oid);
    }
}

}  // namespace tulle::mesh
