#include "mesh/core/membership.hpp"

#include <algorithm>
#include <utility>

namespace tulle::mesh {

Membership::Membership(const NodeOptions& options, Prng& prng, Records records)
    : options_(options),
      prng_(prng),
      records_(std::move(records)),
      gate_(options.timing.join),
      digest_(options.oid.value) {
    for (const std::string& endpoint : options.seeds) {
        add_seed(endpoint, {});
    }
    for (const std::string& name : options.seed_names) {
        names_.push_back({.name = name});
    }
}

void Membership::start(Instant now, Effects& out) {
    for (Seed& seed : seeds_) {
        start_seed(now, seed, out);
    }
    for (SeedName& name : names_) {
        gate_.expect_seed(now, name.name);
        out.push_back(ResolveName{name.name});
    }
}

bool Membership::on_control(Instant now, const Control& message, Effects& out) {
    if (message.dst != options_.oid && !(message.dst == OriginId{} && std::holds_alternative<Knock>(message.body))) {
        ++counters_.stale;  // for another incarnation
        return false;
    }
    if (const auto* knock = std::get_if<Knock>(&message.body)) {
        on_knock(now, message.src, *knock, out);
    } else if (const auto* hello = std::get_if<Hello>(&message.body)) {
        on_hello(now, message.src, *hello, out);
    } else if (const auto* welcome = std::get_if<Welcome>(&message.body)) {
        on_welcome(now, message.src, *welcome, out);
    } else if (const auto* refusal = std::get_if<Refuse>(&message.body)) {
        on_refuse(now, message.src, *refusal, out);
    } else {
        const auto* heartbeat = std::get_if<Heartbeat>(&message.body);
        const bool serves = heartbeat != nullptr && heartbeat->ready;
        return in_standing_session(now, message.src, message.tag, Way::kControl, serves, out) &&
               !handle(now, message, out);
    }
    changed_ = true;
    return false;
}

bool Membership::handle(Instant now, const Control& message, Effects& out) {
    if (const auto* members = std::get_if<Members>(&message.body)) {
        learn(now, message.src, members->members, out);
    } else if (const auto* ask = std::get_if<ProbeAsk>(&message.body)) {
        on_probe_ask(now, message.src, *ask, out);
    } else if (const auto* answer = std::get_if<ProbeAnswer>(&message.body)) {
        on_probe_answer(now, message.src, *answer);
    } else {
        return false;
    }
    changed_ = true;
    return true;
}

bool Membership::on_data(Instant now, const Data& message, Effects& out) {
    if (message.dst != options_.oid) {
        ++counters_.stale;
        return false;
    }
    return in_standing_session(now, message.src, message.tag, Way::kData, false, out);
}

bool Membership::in_standing_session(Instant now, OriginId from, SessionTag tag, Way way, bool serves, Effects& out) {
    const auto found = peers_.find(from);
    if (found == peers_.end()) {
        ++counters_.stale;
        return false;
    }
    Peer& peer = found->second;
    if (peer.bound && tag == peer.local_tag) {
        changed_ = changed_ || peer.state != PeerState::kAlive;
        if (!peer.in_session()) {
            confirm(now, peer, out);
        }
        heard(now, peer, out);
        if (way == Way::kControl) {
            heard_on_control(now, peer, out);
        }
        return true;
    }
    ++counters_.stale;
    doubt_goodbye(now, peer, serves);
    if (peer.state == PeerState::kDead && dialling_ && !is_shunned(now, peer)) {
        changed_ = true;
        revive(now, peer, out);  // it lives, and believes in a session that we have ended
    }
    return false;
}

void Membership::on_deadline(Instant now, Effects& out) {
    if (!changed_ && now < quiet_until_) {
        return;
    }
    changed_ = false;
    if (barred_until_ && *barred_until_ <= now) {
        barred_until_.reset();  // whoever refused us has gone, or was a newcomer itself
        name_refused_since_.reset();
    }
    if (refused_until_ && *refused_until_ <= now) {
        refused_until_.reset();
    }
    std::vector<OriginId> ids;
    bool alone = true;
    for (const auto& [oid, peer] : peers_) {
        ids.push_back(oid);
        alone = alone && !peer.in_session();
    }
    rest_alone(now, alone, out);
    note_lonely(now, alone, out);
    named_full_ = false;
    for (const OriginId oid : ids) {
        if (const auto found = peers_.find(oid); found != peers_.end()) {
            tick_peer(now, found->second, out);
        }
    }
    for (Seed& seed : seeds_) {
        tick_seed(now, seed, out);  // after the peers: a seed whose peer is gone is dialled again
    }
    for (SeedName& name : names_) {
        tick_name(now, name, out);
    }
    tick_self(now, out);
    std::erase_if(refusals_, [&](const Refusal& refusal) {
        if (refusal.give_up_at > now) {
            return false;
        }
        out.push_back(CloseLink{refusal.link});
        return true;
    });
    quiet_until_ = first_deadline();
}

Instant Membership::next_deadline(Instant horizon) {
    if (changed_ || quiet_until_ < horizon) {
        quiet_until_ = first_deadline();
    }
    return quiet_until_;
}

Instant Membership::first_deadline() const {
    Instant next = barred_until_.value_or(Instant::max());
    const auto consider = [&next](const std::optional<Instant>& at) { next = std::min(next, at.value_or(next)); };
    consider(refused_until_);
    consider(alone_since_ ? std::optional(*alone_since_ + options_.timing.refusal_memory) : std::nullopt);
    for (const Seed& seed : seeds_) {
        consider(seed.knock_at);
        consider(seed.give_up_at);
        consider(seed.redial_at);
        consider(dialling_ ? seed.self_again_at : std::nullopt);
    }
    for (const SeedName& name : names_) {
        consider(dialling_ ? name.ask_at : std::nullopt);
    }
    consider(lonely_at_);
    for (const auto& [oid, peer] : peers_) {
        consider(peer.hello_at);
        consider(peer.give_up_at);
        consider(peer.redial_at);
        consider(peer.check_at);
        consider(silence_deadline(peer));
    }
    for (const Refusal& refusal : refusals_) {
        consider(refusal.give_up_at);
    }
    if (self_) {
        consider(self_->up ? self_->knock_at : self_->redial_at);
    }
    return next;
}

std::vector<MembershipEvent> Membership::take_events() {
    return std::exchange(events_, {});
}

const Peer* Membership::find(OriginId oid) const {
    const auto found = peers_.find(oid);
    return found == peers_.end() ? nullptr : &found->second;
}

std::vector<MemberInfo> Membership::members() const {
    std::vector<MemberInfo> members;
    for (const auto& [oid, peer] : peers_) {
        if (peer.in_session() || (peer.state == PeerState::kJoining && peer.spoke_to_us)) {
            members.push_back({oid, peer.name, peer.endpoints});
        }
    }
    return members;
}

}  // namespace tulle::mesh
