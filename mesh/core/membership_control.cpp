#include <algorithm>
#include <utility>

#include "mesh/core/membership.hpp"

/// Silence of control is found though data speaks: subscriptions are confirmed by control alone.
namespace tulle::mesh {

void Membership::restart_control(Instant now, Peer& peer) {
    peer.control_heard = now;
    peer.control_echoed = now;
    peer.control_redialled = false;
}

void Membership::heard_on_control(Instant now, Peer& peer, Effects& out) {
    peer.control_heard = now;
    if (self_ || deaf_) {
        heard_self(out);  // so our own control path works
    }
    if (now - peer.session_since >= options_.timing.strike_memory) {
        peer.deaf_strikes = 0;
        peer.stuck_strikes = 0;
    }
}

void Membership::on_echo(Instant now, OriginId oid, Instant sent) {
    const auto found = peers_.find(oid);
    if (found != peers_.end() && sent <= now) {
        found->second.control_echoed = std::max(found->second.control_echoed, sent);
    }
}

bool Membership::was_deaf(Instant now, OriginId oid) const {
    const Peer* peer = find(oid);
    if (peer == nullptr) {
        return false;
    }
    const Duration suspicion = options_.timing.suspicion;
    const bool silent = now - peer->last_heard >= suspicion;  // else it lived until now
    return (silent ? peer->last_heard : now) - peer->control_heard >= suspicion;
}

bool Membership::was_stuck(OriginId oid) const {
    const Peer* peer = find(oid);
    return peer != nullptr && peer->stuck_strikes > 0;
}

Instant Membership::control_deadline(const Peer& peer) const {
    const Timing& timing = options_.timing;
    return std::min(peer.control_heard, peer.control_echoed) +
           (peer.control_redialled ? timing.control_verdict : timing.control_deaf);
}

bool Membership::check_control(Instant now, Peer& peer, Effects& out) {
    const Timing& timing = options_.timing;
    const Duration unheard = now - peer.control_heard;
    const Duration unanswered = now - peer.control_echoed;
    const Duration longest = std::max(unheard, unanswered);
    if (longest < timing.control_deaf) {
        peer.control_redialled = false;
        return false;
    }
    if (longest < timing.control_verdict) {
        if (!std::exchange(peer.control_redialled, true) && peer.route_via == OriginId{}) {
            redial_control(now, peer, out);
        }
        listen_to_self(now, out);
        return false;
    }
    const std::string time = std::to_string(longest / 1ms) + " ms";
    ++counters_.control_deaths;
    deaf_ = deaf_ || (self_ && now - self_->since >= timing.suspicion);
    declare_dead(now, peer,
                 unheard >= timing.control_verdict ? "it speaks on the data path alone for " + time
                                                   : "it does not hear our control messages for " + time,
                 out);
    shun(now, peer, std::min<Duration>(peer.deaf_strikes * 1s, timing.shun_deaf_max));
    ++peer.deaf_strikes;
    return true;
}

void Membership::give_up_stuck(Instant now, OriginId oid, const std::string& why, Effects& out) {
    const auto found = peers_.find(oid);
    if (found == peers_.end() || !found->second.in_session()) {
        return;
    }
    changed_ = true;
    ++counters_.stuck_deaths;
    Peer& peer = found->second;
    declare_dead(now, peer, why, out);
    const Duration pause = options_.timing.shun_stuck_min * (1u << std::min(peer.stuck_strikes, 8u));
    shun(now, peer, std::min(options_.timing.shun_stuck_max, pause));
    ++peer.stuck_strikes;
}

void Membership::shun(Instant now, Peer& peer, Duration pause) {
    if (pause > 0ms) {
        peer.shunned_until = now + pause;
        peer.redial_at = now + pause;
    }
}

/// The session stands; only its outward connection is made anew.
void Membership::redial_control(Instant now, Peer& peer, Effects& out) {
    ++counters_.control_redials;
    out.push_back(Notice{Severity::kWarn,
                         "control between us and " + peer.name + " is silent although data speaks: dialling again"});
    close_link(peer, out);
    peer.link = fresh_link();
    peer.check_at = now + options_.timing.endpoint_check;
    out.push_back(OpenLink{*peer.link, peer.endpoints.control});
    out.push_back(CheckEndpoint{*peer.link, peer.endpoints.control});
}

/// When no peer at all is heard on control, the fault may be ours: we knock at our own endpoint.
void Membership::listen_to_self(Instant now, Effects& out) {
    const bool all = std::none_of(peers_.begin(), peers_.end(), [&](const auto& entry) {
        return entry.second.in_session() && now - entry.second.control_heard < options_.timing.control_deaf;
    });
    if (self_ || !all || now < self_again_at_) {
        return;
    }
    self_again_at_ = now + options_.timing.control_verdict;
    self_ = SelfLink{.link = fresh_link(),
                     .nonce = secret() | 1,
                     .up = false,
                     .knock_at = now,
                     .redial_at = now + options_.timing.handshake,
                     .since = now};
    out.push_back(OpenLink{self_->link, options_.endpoints.control});
}

void Membership::tick_self(Instant now, Effects& out) {
    if (!self_) {
        return;
    }
    if (self_->up && self_->knock_at <= now) {
        self_->knock_at = now + options_.timing.hello_retry;
        out.push_back(SendControl{self_->link,
                                  {.src = options_.oid,
                                   .dst = options_.oid,
                                   .tag = {},
                                   .body = Knock{.who = introduction(), .dialled = {}, .nonce = self_->nonce}}});
    } else if (!self_->up && self_->redial_at <= now) {
        out.push_back(CloseLink{self_->link});
        self_->link = fresh_link();
        self_->redial_at = now + options_.timing.handshake;
        out.push_back(OpenLink{self_->link, options_.endpoints.control});
    }
}

void Membership::heard_self(Effects& out) {
    if (!self_) {
        return;
    }
    changed_ = true;
    out.push_back(CloseLink{self_->link});
    self_.reset();
    if (std::exchange(deaf_, false)) {
        out.push_back(Notice{Severity::kInfo, "this node's own control path works again"});
    }
}

/// Nobody is there to be unheard: that we were deaf says nothing any more.
void Membership::rest_alone(Instant now, bool alone, Effects& out) {
    alone_since_ = !alone || !deaf_ ? std::nullopt : std::optional(alone_since_.value_or(now));
    if (alone_since_ && now - *alone_since_ >= options_.timing.refusal_memory) {
        deaf_ = false;
        alone_since_.reset();
        heard_self(out);
        out.push_back(Notice{Severity::kWarn,
                             "there has been no peer for long whom this node could be deaf to: it serves again"});
    }
}

bool Membership::on_self_link(Instant now, LinkId link, bool up, Effects& out) {
    if (!self_ || self_->link != link) {
        return false;
    }
    self_->up = up;
    self_->knock_at = now;
    self_->redial_at = now + options_.timing.handshake;
    tick_self(now, out);
    return true;
}

}  // namespace tulle::mesh
