#include "mesh/core/session/liveness.hpp"

#include <algorithm>
#include <utility>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {

static_assert(4 * Timing{}.heartbeat <= Timing{}.suspicion, "one lost heartbeat makes nobody a suspect");
static_assert(Timing{}.suspicion + 2 * Timing{}.probe_round <= Timing{}.verdict, "witnesses are asked twice before it");
static_assert(Timing{}.verdict < Timing{}.verdict_alone && Timing{}.verdict_alone < Timing{}.verdict_unspoken);
static_assert(Timing{}.control_deaf < Timing{}.control_verdict, "control is dialled again before it counts as dead");
static_assert(Timing{}.shun_stuck_min <= Timing{}.shun_stuck_max);
static_assert(Timing{}.shun_stuck_max < Timing{}.strike_memory, "a pause does not make up for a failure");

void Liveness::heard(Instant now, Peer& peer, Effects& out) {
    const Duration silence = now - peer.last_heard;
    if (silence >= table_.timing().verdict || peer.state == PeerState::kPartial) {
        restart_control(now, peer);  // a long silence on every path says nothing about control
    } else if (silence > table_.timing().data_keepalive) {
        // Nor does a shorter one: a cut and a short silence of control behind it must not add up to a death. Only what
        // goes beyond the pauses of the data path is forgiven, as those alone would else hide a deaf control path for
        // ever.
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
        out.push_back(Notice{Severity::kInfo, peer.name + " is heard again"});
        peer.state = PeerState::kAlive;
    }
    peer.deaf_via = {};
    peer.probe = {};
}

void Liveness::heard_on_control(Instant now, Peer& peer, Effects& out) {
    peer.control_heard = now;
    own_.heard(out);
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

void Liveness::on_echo(Instant now, OriginId oid, Instant sent) {
    const auto found = table_.peers().find(oid);
    if (found != table_.peers().end() && sent <= now) {
        found->second.control_echoed = std::max(found->second.control_echoed, sent);
    }
}

bool Liveness::was_deaf(Instant now, OriginId oid) const {
    const Peer* peer = table_.find(oid);
    if (peer == nullptr) {
        return false;
    }
    const Duration suspicion = table_.timing().suspicion;
    const bool silent = now - peer->last_heard >= suspicion;  // else it lived until now
    return (silent ? peer->last_heard : now) - peer->control_heard >= suspicion;
}

bool Liveness::was_stuck(OriginId oid) const {
    const Peer* peer = table_.find(oid);
    return peer != nullptr && peer->stuck_strikes > 0;
}

Instant Liveness::control_deadline(const Peer& peer) const {
    const Timing& timing = table_.timing();
    return std::min(peer.control_heard, peer.control_echoed) +
           (peer.control_redialled ? timing.control_verdict : timing.control_deaf);
}

void Liveness::check_control(Instant now, Peer& peer, Effects& out) {
    TULLE_ASSERT(peer.state == PeerState::kAlive);
    const Timing& timing = table_.timing();
    const Duration unheard = now - peer.control_heard;
    const Duration unanswered = now - peer.control_echoed;
    const Duration longest = std::max(unheard, unanswered);
    if (longest < timing.control_deaf) {
        peer.control_redialled = false;
        return;
    }
    if (longest < timing.control_verdict) {
        if (!std::exchange(peer.control_redialled, true) && peer.route_via == OriginId{}) {
            redial_control(now, peer, out);
        }
        own_.listen(now, out);
        return;
    }
    const std::string time = std::to_string(longest / 1ms) + " ms";
    ++table_.counters().control_deaths;
    own_.note_death(now);
    declare_dead(now, peer,
                 unheard >= timing.control_verdict ? "it speaks on the data path alone for " + time
                                                   : "it does not hear our control messages for " + time,
                 out);
    shun(now, peer, std::min<Duration>(peer.deaf_strikes * 1s, timing.shun_deaf_max));
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

/// The session stands; only its outward connection is made anew.
void Liveness::redial_control(Instant now, Peer& peer, Effects& out) {
    TULLE_ASSERT(peer.in_session());
    ++table_.counters().control_redials;
    out.push_back(Notice{Severity::kWarn,
                         "control between us and " + peer.name + " is silent although data speaks: dialling again"});
    dialler_.close_connection(peer, out);
    peer.connection = table_.fresh_connection();
    peer.check_at = now + table_.timing().endpoint_check;
    out.push_back(OpenConnection{*peer.connection, peer.endpoints.control});
    out.push_back(CheckEndpoint{*peer.connection, peer.endpoints.control});
}

Instant Liveness::latest_sign(const Peer& peer) {
    return std::max({peer.last_heard, peer.last_relayed, peer.probe.evidence});
}

void Liveness::forgive(Duration late) {
    table_.note_change();
    for (auto& [oid, peer] : table_.peers()) {
        if (peer.in_session()) {
            peer.last_heard += late;
            peer.last_relayed += late;
            peer.control_heard += late;
            peer.control_echoed += late;
            peer.probe.next_round += late;
        }
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
    return peer.probe.next_round;
}

void Liveness::tick(Instant now, Peer& peer, Effects& out) {
    TULLE_ASSERT(peer.in_session());
    const Timing& timing = table_.timing();
    if (const Duration unheard = now - peer.last_heard;
        peer.state == PeerState::kAlive && unheard >= timing.suspicion) {
        peer.state = PeerState::kSuspect;
        ++table_.counters().suspicions;
        out.push_back(
            Notice{Severity::kWarn, peer.name + " is silent for " + std::to_string(unheard / 1ms) + " ms: suspect"});
        peer.probe = {};
        ask_witnesses(now, peer, out);
        return;
    }
    if (peer.state == PeerState::kAlive) {
        check_control(now, peer, out);
        return;
    }
    if (now < peer.probe.next_round) {
        return;
    }
    const Duration silence = now - latest_sign(peer);
    // A witness hears it, but it says nothing to us by that way either: it has given us up, and the handshake can't
    // pass.
    const Duration unspoken = now - std::max(peer.last_heard, peer.last_relayed);
    const bool agreed = peer.probe.answers_no > 0 && peer.probe.answers_yes == 0;
    if (silence >= timing.verdict_alone || unspoken >= timing.verdict_unspoken ||
        (silence >= timing.verdict && agreed)) {
        declare_dead(now, peer, "silent for " + std::to_string(silence / 1ms) + " ms", out);
        return;
    }
    if (peer.state == PeerState::kSuspect && peer.probe.evidence >= peer.last_heard + timing.suspicion / 2) {
        peer.state = PeerState::kPartial;
        peer.deaf_via = peer.probe.witness;
        out.push_back(Notice{Severity::kWarn, peer.name + " is heard by others, not by us: partial"});
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
    for (std::size_t asked = 0; asked < 3 && !witnesses.empty(); ++asked) {
        const auto chosen = witnesses.begin() + static_cast<std::ptrdiff_t>(table_.prng().below(witnesses.size()));
        sender_.send(*chosen, ProbeAsk{peer.oid, peer.probe.round}, out);
        witnesses.erase(chosen);
    }
    const Instant latest = latest_sign(peer) + table_.timing().verdict_alone;
    if (latest > now) {
        peer.probe.next_round = std::min(peer.probe.next_round, latest);
    }
}

void Liveness::on_probe_ask(Instant now, OriginId from, const ProbeAsk& ask, Effects& out) {
    ProbeAnswer answer{.target = ask.target, .round = ask.round};
    if (const Peer* target = table_.find(ask.target); target != nullptr && target->was_alive) {
        const Duration silence = now - target->last_heard;
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
        // What the witness has heard counts from when it heard it, or a frozen peer would gain the time of a round.
        const Duration silence = std::chrono::microseconds{std::min<std::uint64_t>(answer.silence_us, 1'000'000)};
        found->second.probe.evidence = std::max(found->second.probe.evidence, now - silence);
        found->second.probe.witness = from;
        if (found->second.state == PeerState::kPartial) {
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
    out.push_back(Notice{Severity::kWarn, peer.name + " (" + to_hex(peer.oid) + ") is dead: " + why});
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
    out.push_back(Notice{Severity::kInfo, peer.name + " has left"});
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
            peer.redial_at.reset();
        }
    }
}

void Liveness::on_endpoint_refused(Instant now, Peer& peer, Effects& out) {
    if (peer.connection_up) {
        return;
    }
    if (peer.in_session()) {
        declare_dead(now, peer, "its endpoint refuses", out);
    } else if (peer.state == PeerState::kDead) {
        dialler_.give_up(now, peer, out);  // with the attempt: one that stands holds up the asking of survivors
    } else if (!peer.spoke_to_us) {
        table_.gate().member_gone(peer.oid);
        dialler_.close_connection(peer, out);
        table_.peers().erase(peer.oid);
    }
}

}  // namespace tulle::mesh
