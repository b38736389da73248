#include <algorithm>

#include "mesh/core/membership.hpp"

namespace tulle::mesh {

void Membership::on_link_up(Instant now, LinkId link, Effects& out) {
    changed_ = true;
    if (on_self_link(now, link, true, out)) {
        return;
    }
    if (Seed* seed = seed_of(link)) {
        seed->up = true;
        seed->seen = "answers nothing";
        knock(now, *seed, out);
        return;
    }
    const auto refusal =
        std::find_if(refusals_.begin(), refusals_.end(), [&](const Refusal& r) { return r.link == link; });
    if (refusal != refusals_.end()) {
        out.push_back(
            SendControl{link, {.src = options_.oid, .dst = refusal->to, .tag = {}, .body = refusal->message}});
        refusal->give_up_at = now + options_.timing.hello_retry;  // time for the transport to carry it
        return;
    }
    Peer* peer = peer_of(link);
    if (peer == nullptr) {
        return;
    }
    peer->link_up = true;
    peer->check_at.reset();
    if (peer->in_session()) {
        if (peer->link_lost) {
            knock(*peer, out);  // the same process, or another?
        }
        return;
    }
    if (peer->welcome_on_up) {
        Welcome welcome{
            .who = introduction(), .echo = *peer->welcome_on_up, .tag = peer->local_tag, .terms = terms_for(*peer)};
        peer->welcome_on_up.reset();
        if (peer->bound && welcome.echo == peer->remote_tag) {
            out.push_back(SendControl{link, envelope(*peer, {}, std::move(welcome))});
            return;
        }
    }
    if (!peer->bound) {
        if (peer->local_tag == SessionTag{} || peer->state == PeerState::kDead) {
            new_attempt(now, *peer);
        }
        send_hello(now, *peer, out);
        if (peer->was_alive) {
            knock(*peer, out);  // another process may live there now
        }
    }
}

void Membership::on_link_down(Instant now, LinkId link, Effects& out) {
    changed_ = true;
    if (on_self_link(now, link, false, out)) {
        return;
    }
    if (Seed* seed = seed_of(link)) {
        seed->up = false;
        seed->knock_at.reset();
        return;
    }
    Peer* peer = peer_of(link);
    if (peer == nullptr) {
        return;
    }
    peer->link_up = false;
    peer->link_lost = true;
    peer->check_at = now + options_.timing.endpoint_check;
    out.push_back(CheckEndpoint{link, peer->endpoints.control});
}

void Membership::on_endpoint_checked(Instant now, const EndpointChecked& checked, Effects& out) {
    changed_ = true;
    if (Seed* seed = seed_of(checked.link)) {
        if (checked.state == EndpointState::kRefused && !seed->up) {
            gate_.seed_settled(seed->endpoint);
            seed_failed(now, *seed, "nobody listens there", out);
        } else if (checked.state == EndpointState::kOpen && !seed->up) {
            // unless it does before the attempt is given up
            seed->seen = "takes connections and speaks no mesh protocol: is this the mesh port?";
        }
        return;
    }
    Peer* peer = peer_of(checked.link);
    if (peer == nullptr || checked.state != EndpointState::kRefused || peer->link_up) {
        return;
    }
    if (peer->in_session()) {
        declare_dead(now, *peer, "its endpoint refuses", out);
    } else if (peer->state == PeerState::kDead) {
        give_up(now, *peer, out);  // with the attempt: one that stands holds up the asking of survivors
    } else if (!peer->spoke_to_us) {
        gate_.member_gone(peer->oid);
        close_link(*peer, out);
        peers_.erase(peer->oid);
    }
}

void Membership::learn(Instant now, OriginId by, const std::vector<MemberInfo>& members, Effects& out) {
    for (const MemberInfo& info : members) {
        if (info.oid == options_.oid || info.oid == OriginId{}) {
            continue;
        }
        const auto found = peers_.find(info.oid);
        if (found == peers_.end()) {
            add_named(now, by, info, out);
            continue;
        }
        Peer& peer = found->second;
        if (peer.state == PeerState::kDead && peer.redial_at && !peer.link && !is_shunned(now, peer)) {
            peer.redial_at = std::min(*peer.redial_at, peer.dead_since + options_.timing.redial_min);
        } else if (peer.state == PeerState::kJoining) {
            gate_.named(now, info.oid);
        }
    }
}

/// A node that is only named is dialled when its turn comes: so many at once, whoever names them.
void Membership::add_named(Instant now, OriginId by, const MemberInfo& info, Effects& out) {
    if (!dialling_ || !may_name(now, by) || !make_room(out)) {
        return;
    }
    gate_.named(now, info.oid);
    Peer& peer = peers_[info.oid];
    peer.oid = info.oid;
    peer.name = info.name;
    peer.endpoints = info.endpoints;
    peer.met_at = now;
    peer.named_by = by;
    peer.redial_at = now;
    tick_peer(now, peer, out);
}

bool Membership::may_name(Instant now, OriginId by) {
    const auto found = peers_.find(by);
    if (found == peers_.end()) {
        return false;
    }
    Peer& peer = found->second;
    const std::uint32_t most = options_.limits.names_per_peer;
    if (peer.names_at == Instant{}) {
        peer.names_left = most;
        peer.names_at = now;
    }
    if (const auto seconds = (now - peer.names_at) / 1s; seconds > 0) {
        peer.names_left =
            std::min(most, peer.names_left + static_cast<std::uint32_t>(std::min<std::int64_t>(seconds, most)));
        peer.names_at = now;
    }
    if (peer.names_left == 0) {
        ++counters_.names_ignored;
        return false;
    }
    --peer.names_left;
    return true;
}

bool Membership::may_dial(const std::string& endpoint, bool spoke) {
    std::size_t all = 0;
    std::size_t there = 0;
    for (const auto& [oid, peer] : peers_) {
        if (peer.link && !peer.was_alive) {
            all += peer.spoke_to_us == spoke ? 1u : 0u;
            there += peer.endpoints.control == endpoint ? 1u : 0u;
        }
    }
    const Limits& limits = options_.limits;
    if (!spoke) {
        named_full_ = all >= limits.handshakes_named;
        return !named_full_ && there < limits.handshakes_at_endpoint;
    }
    const std::size_t most = limits.handshakes - (is_expected_at(endpoint) ? 0 : limits.handshakes_reserved);
    return all < most && there < limits.handshakes_at_endpoint;
}

bool Membership::is_expected_at(const std::string& endpoint) const {
    return std::any_of(seeds_.begin(), seeds_.end(), [&](const Seed& seed) { return seed.endpoint == endpoint; }) ||
           std::any_of(names_.begin(), names_.end(), [&](const SeedName& name) { return name.name == endpoint; }) ||
           std::any_of(peers_.begin(), peers_.end(), [&](const auto& entry) {
               return entry.second.was_alive && entry.second.endpoints.control == endpoint;
           });
}

/// In place of whoever is gone longest; else of one that is only named.
bool Membership::make_room(Effects& out) {
    if (peers_.size() < kMaxMembers) {
        return true;
    }
    auto oldest = peers_.end();
    auto named = peers_.end();
    for (auto it = peers_.begin(); it != peers_.end(); ++it) {
        const bool gone = it->second.state == PeerState::kDead || it->second.state == PeerState::kLeft;
        if (gone && (oldest == peers_.end() || it->second.dead_since < oldest->second.dead_since)) {
            oldest = it;
        } else if (it->second.state == PeerState::kJoining && !it->second.spoke_to_us && !it->second.was_alive) {
            named = it;
        }
    }
    const auto victim = oldest != peers_.end() ? oldest : named;
    if (victim == peers_.end()) {
        return false;
    }
    gate_.member_gone(victim->first);
    close_link(victim->second, out);
    peers_.erase(victim);
    return true;
}

void Membership::open_link(Instant now, Peer& peer, Effects& out) {
    peer.link = fresh_link();
    peer.link_up = false;
    out.push_back(OpenLink{*peer.link, peer.endpoints.control});
    if (!peer.spoke_to_us || peer.state == PeerState::kDead) {
        peer.check_at = now + options_.timing.endpoint_check;
        out.push_back(CheckEndpoint{*peer.link, peer.endpoints.control});
    }
}

void Membership::close_link(Peer& peer, Effects& out) {
    if (peer.link) {
        out.push_back(CloseLink{*peer.link});
    }
    peer.link.reset();
    peer.link_up = false;
    peer.link_lost = false;
    peer.check_at.reset();
    peer.hello_at.reset();
    peer.welcome_on_up.reset();
}

void Membership::stop_dialling(Effects& out) {
    changed_ = true;
    dialling_ = false;
    for (Seed& seed : seeds_) {
        close_seed(seed, out);
    }
}

void Membership::knock(const Peer& peer, Effects& out) const {
    Knock body{.who = introduction(), .dialled = {}, .nonce = 0};
    out.push_back(SendControl{*peer.link, {.src = options_.oid, .dst = {}, .tag = {}, .body = std::move(body)}});
}

void Membership::tick_peer(Instant now, Peer& peer, Effects& out) {
    if (peer.check_at && *peer.check_at <= now && peer.link) {
        peer.check_at = now + options_.timing.endpoint_check;
        out.push_back(CheckEndpoint{*peer.link, peer.endpoints.control});
    }
    if (peer.in_session()) {
        check_silence(now, peer, out);
        return;
    }
    if (peer.give_up_at && *peer.give_up_at <= now) {
        give_up(now, peer, out);
        return;
    }
    if (peer.hello_at && *peer.hello_at <= now && peer.link) {
        send_hello(now, peer, out);
    }
    if (peer.redial_at && *peer.redial_at <= now) {
        const bool waits = named_full_ && !peer.spoke_to_us;  // it is not counted again for each in one turn
        if (!peer.was_alive && dialling_ && (waits || !may_dial(peer.endpoints.control, peer.spoke_to_us))) {
            peer.redial_at = now + options_.timing.endpoint_check;
            return;
        }
        peer.redial_at.reset();
        if ((!peer.was_alive || now - peer.dead_since < options_.timing.redial_for) && dialling_) {
            peer.give_up_at = now + options_.timing.handshake;
            open_link(now, peer, out);
        }
    }
}

void Membership::give_up(Instant now, Peer& peer, Effects& out) {
    end_session(peer, peer.state);
    close_link(peer, out);
    if (!peer.was_alive) {
        peers_.erase(peer.oid);  // it can knock again, or be named again
        return;
    }
    if (peer.has_left) {
        peer.state = PeerState::kLeft;  // so it has left after all
        peer.dead_since = now;
        return;
    }
    peer.state = PeerState::kDead;
    redial_later(now, peer);
}

void Membership::doubt_goodbye(Instant now, Peer& peer, bool ready) {
    const Duration since = now - peer.dead_since;
    const Duration enough = ready ? options_.timing.left_ready : options_.timing.left_for_good;
    if (peer.state == PeerState::kLeft && dialling_ && since >= enough) {
        changed_ = true;
        peer.state = PeerState::kDead;
    }
}

void Membership::revive(Instant now, Peer& peer, Effects& out) {
    peer.state = PeerState::kJoining;
    peer.redial_at.reset();
    if (!peer.link) {
        open_link(now, peer, out);
    }
    // An attempt that began when the link came up is kept: the peer may be answering it. If both sides began anew
    // whenever the other's first Hello comes, as they do when their links come up together, neither's answer would ever
    // fit.
    if (!peer.link_up || peer.local_tag == SessionTag{}) {
        new_attempt(now, peer);
    }
    send_hello(now, peer, out);
}

void Membership::redial_later(Instant now, Peer& peer) {
    peer.backoff = std::clamp(2 * peer.backoff, options_.timing.redial_min, options_.timing.redial_max);
    peer.redial_at = now + jittered(peer.backoff);
    peer.give_up_at.reset();
}

Peer* Membership::peer_of(LinkId link) {
    const auto found = std::find_if(peers_.begin(), peers_.end(), [&](const auto& p) { return p.second.link == link; });
    return found == peers_.end() ? nullptr : &found->second;
}

Duration Membership::jittered(Duration d) {
    return d * 3 / 4 + Duration{static_cast<Duration::rep>(prng_.below(static_cast<std::uint64_t>(d.count() / 2) + 1))};
}

}  // namespace tulle::mesh
