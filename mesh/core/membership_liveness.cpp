#include <algorithm>

#include "mesh/core/membership.hpp"

namespace tulle::mesh {

void Membership::heard(Instant now, Peer& peer, Effects& out) {
    const Duration silence = now - peer.last_heard;
    if (silence >= options_.timing.verdict || peer.state == PeerState::kPartial) {
        restart_control(now, peer);  // a long silence on every path says nothing about control
    } else if (silence > options_.timing.data_keepalive) {
        // Nor does a shorter one: a cut and a short silence of control behind it must not add up to a death. Only what
        // goes beyond the pauses of the data path is forgiven, as those alone would else hide a deaf control path for
        // ever.
        const Duration cut = silence - options_.timing.data_keepalive;
        peer.control_heard = std::min(now, peer.control_heard + cut);
        peer.control_echoed = std::min(now, peer.control_echoed + cut);
    }
    peer.last_heard = now;
    if (peer.link_up && peer.link_lost) {
        peer.link_lost = false;
        ++counters_.reconnects;
    }
    if (peer.state == PeerState::kSuspect || peer.state == PeerState::kPartial) {
        ++counters_.false_suspicions;
        out.push_back(Notice{Severity::kInfo, peer.name + " is heard again"});
        peer.state = PeerState::kAlive;
    }
    peer.deaf_via = {};
    peer.probe = {};
}

Instant Membership::latest_sign(const Peer& peer) {
    return std::max({peer.last_heard, peer.last_relayed, peer.probe.evidence});
}

void Membership::forgive(Duration late) {
    changed_ = true;
    for (auto& [oid, peer] : peers_) {
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

std::optional<Instant> Membership::silence_deadline(const Peer& peer) const {
    if (!peer.in_session()) {
        return std::nullopt;
    }
    if (peer.state == PeerState::kAlive) {
        return std::min(peer.last_heard + options_.timing.suspicion, control_deadline(peer));
    }
    return peer.probe.next_round;
}

void Membership::check_silence(Instant now, Peer& peer, Effects& out) {
    const Timing& timing = options_.timing;
    if (const Duration unheard = now - peer.last_heard;
        peer.state == PeerState::kAlive && unheard >= timing.suspicion) {
        peer.state = PeerState::kSuspect;
        ++counters_.suspicions;
        out.push_back(
            Notice{Severity::kWarn, peer.name + " is silent for " + std::to_string(unheard / 1ms) + " ms: suspect"});
        peer.probe = {};
        ask_witnesses(now, peer, out);
        return;
    }
    if (peer.state == PeerState::kAlive) {
        static_cast<void>(check_control(now, peer, out));
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

void Membership::ask_witnesses(Instant now, Peer& peer, Effects& out) {
    std::vector<OriginId> witnesses;
    for (const auto& [oid, other] : peers_) {
        if (oid != peer.oid && other.state == PeerState::kAlive) {
            witnesses.push_back(oid);
        }
    }
    peer.probe.round += 1;
    peer.probe.next_round = now + options_.timing.probe_round;
    peer.probe.answers_no = 0;
    peer.probe.answers_yes = 0;
    for (std::size_t asked = 0; asked < 3 && !witnesses.empty(); ++asked) {
        const auto chosen = witnesses.begin() + static_cast<std::ptrdiff_t>(prng_.below(witnesses.size()));
        send(*chosen, ProbeAsk{peer.oid, peer.probe.round}, out);
        witnesses.erase(chosen);
    }
    const Instant latest = latest_sign(peer) + options_.timing.verdict_alone;
    if (latest > now) {
        peer.probe.next_round = std::min(peer.probe.next_round, latest);
    }
}

void Membership::on_probe_ask(Instant now, OriginId from, const ProbeAsk& ask, Effects& out) {
    ProbeAnswer answer{.target = ask.target, .round = ask.round};
    if (const Peer* target = find(ask.target); target != nullptr && target->was_alive) {
        const Duration silence = now - target->last_heard;
        const bool hears = target->state == PeerState::kAlive && silence < options_.timing.suspicion;
        answer.hearing = hears ? Hearing::kYes : Hearing::kNo;
        answer.silence_us = static_cast<std::uint64_t>(silence / 1us);
    }
    send(from, answer, out);
}

void Membership::on_probe_answer(Instant now, OriginId from, const ProbeAnswer& answer) {
    const auto found = peers_.find(answer.target);
    if (found == peers_.end() || answer.round != found->second.probe.round) {
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

void Membership::on_subscriber_gone() {
    changed_ = true;
}

void Membership::declare_dead(Instant now, Peer& peer, const std::string& why, Effects& out) {
    ++counters_.deaths;
    out.push_back(Notice{Severity::kWarn, peer.name + " (" + to_hex(peer.oid) + ") is dead: " + why});
    end_session(peer, PeerState::kDead);
    close_link(peer, out);
    peer.dead_since = now;
    gate_.member_gone(peer.oid);
    redial_later(now, peer);
}

void Membership::on_left(Instant now, OriginId oid, Effects& out) {
    changed_ = true;
    const auto found = peers_.find(oid);
    if (found == peers_.end() || !found->second.in_session()) {
        return;
    }
    Peer& peer = found->second;
    peer.has_left = true;
    out.push_back(Notice{Severity::kInfo, peer.name + " has left"});
    end_session(peer, PeerState::kLeft);
    close_link(peer, out);
    peer.dead_since = now;
    gate_.member_gone(oid);
}

void Membership::end_session(Peer& peer, PeerState state) {
    const bool stood = peer.in_session();
    peer.state = state;
    peer.bound = false;
    peer.local_tag = {};
    peer.remote_tag = {};
    peer.hello_at.reset();
    peer.give_up_at.reset();
    peer.probe = {};
    peer.deaf_via = {};
    peer.route_via = {};
    peer.check_at.reset();
    if (stood) {
        digest_ ^= peer.oid.value;
        events_.push_back(SessionDown{peer.oid, state});
    }
}

}  // namespace tulle::mesh
