#include <algorithm>
#include <utility>

#include "mesh/core/membership.hpp"

namespace tulle::mesh {

Introduction Membership::introduction() const {
    return {.cluster = options_.cluster,
            .name = options_.name,
            .version = options_.version,
            .endpoints = options_.endpoints,
            .oldest_protocol = kOldestProtocolVersion,
            .newest_protocol = kProtocolVersion,
            .ready = ready_};
}

Control Membership::envelope(const Peer& peer, SessionTag tag, ControlBody body) const {
    return {.src = options_.oid, .dst = peer.oid, .tag = tag, .body = std::move(body)};
}

void Membership::on_knock(Instant now, OriginId from, const Knock& knock, Effects& out) {
    if (from == options_.oid) {
        for (Seed& seed : seeds_) {
            if (seed.endpoint == knock.dialled) {
                seed.is_self = true;
                close_seed(seed, out);
                gate_.seed_settled(seed.endpoint);
            }
        }
        return;
    }
    if (std::optional<Refuse> no = objection(now, from, knock.who, out)) {
        refuse(now, from, knock.who.endpoints.control, std::move(*no), out);
        return;
    }
    Peer* peer = acquaint(now, from, knock.who, out);
    if (peer == nullptr) {
        return;
    }
    peer->knocked = knock.dialled;
    if (!peer->in_session() && peer->local_tag == SessionTag{}) {
        new_attempt(now, *peer);
    }
    send_hello(now, *peer, out);
}

void Membership::on_hello(Instant now, OriginId from, const Hello& hello, Effects& out) {
    if (from == options_.oid) {
        return;
    }
    if (std::optional<Refuse> no = objection(now, from, hello.who, out)) {
        refuse(now, from, hello.who.endpoints.control, std::move(*no), out);
        return;
    }
    Peer* known = acquaint(now, from, hello.who, out);
    if (known == nullptr) {
        return;
    }
    Peer& peer = *known;
    if (hello.tag < peer.newest_remote) {
        ++counters_.stale;
        return;
    }
    gate_.named(now, from);  // before the seed counts as answered, or the gate could open without this member
    seed_answered(hello.knocked, from, out);
    learn(now, hello.terms.members, out);
    if (!(peer.bound && peer.remote_tag == hello.tag)) {
        if (peer.in_session()) {
            end_session(peer, PeerState::kJoining);
        }
        if (peer.bound || peer.local_tag == SessionTag{}) {
            new_attempt(now, peer);
        }
        bind(now, peer, hello.tag, hello.terms);
    }
    Welcome welcome{.who = introduction(), .echo = hello.tag, .tag = peer.local_tag, .terms = terms_for(peer)};
    out.push_back(SendControl{*peer.link, envelope(peer, {}, std::move(welcome))});
    if (!peer.link_up) {
        peer.welcome_on_up = hello.tag;
    }
}

void Membership::on_welcome(Instant now, OriginId from, const Welcome& welcome, Effects& out) {
    const auto found = peers_.find(from);
    if (found == peers_.end() || welcome.echo != found->second.local_tag || welcome.tag < found->second.newest_remote) {
        ++counters_.stale;
        return;
    }
    if (std::optional<Refuse> no = objection(now, from, welcome.who, out)) {
        refuse(now, from, welcome.who.endpoints.control, std::move(*no), out);
        return;
    }
    Peer& peer = found->second;
    introduce(peer, welcome.who);
    learn(now, welcome.terms.members, out);
    if (peer.bound && peer.remote_tag != welcome.tag) {
        // The other side has begun anew while a bound attempt stood here: what is under way has mixed tags. Once more.
        end_session(peer, PeerState::kJoining);
        new_attempt(now, peer);
        send_hello(now, peer, out);
        return;
    }
    if (!peer.bound) {
        bind(now, peer, welcome.tag, welcome.terms);
    }
    if (!peer.in_session()) {
        confirm(now, peer, out);
    }
    heard(now, peer, out);
}

void Membership::on_refuse(Instant now, OriginId from, const Refuse& refuse, Effects& out) {
    const Peer* peer = find(from);
    const std::string who = peer != nullptr ? peer->name : to_hex(from);
    if (ready_ || refuse.reason != RefusalReason::kNameTaken) {
        out.push_back(Notice{Severity::kWarn, "refused by " + who + ": " + refuse.text});
        return;
    }
    barred_until_ = now + options_.timing.name_memory;
    if (!name_refused_since_) {
        name_refused_since_ = now;
        out.push_back(Notice{Severity::kWarn, "refused by " + who + ": " + refuse.text + "; asking on for a while"});
    }
    if (now - *name_refused_since_ >= options_.timing.name_patience) {
        out.push_back(Fatal{"refused by " + who + ": " + refuse.text});
    }
}

std::optional<Refuse> Membership::objection(Instant now, OriginId from, const Introduction& who, Effects& out) {
    if (who.cluster != options_.cluster) {
        return Refuse{RefusalReason::kCluster,
                      "this is cluster '" + options_.cluster + "', not '" + who.cluster + "'"};
    }
    if (who.oldest_protocol > kProtocolVersion || who.newest_protocol < kOldestProtocolVersion) {
        return Refuse{RefusalReason::kProtocol, "no mesh protocol version in common (here " +
                                                    std::to_string(kOldestProtocolVersion) + " to " +
                                                    std::to_string(kProtocolVersion) + ")"};
    }
    return name_objection(now, from, who, out);
}

std::optional<Refuse> Membership::name_objection(Instant now, OriginId from, const Introduction& who, Effects& out) {
    if (const Peer* self = find(from); self != nullptr && self->in_session()) {
        return std::nullopt;
    }
    const std::string taken = "the name '" + who.name + "' is held by another node";
    if (who.name == options_.name && !(ready_ && who.ready) && (ready_ || who.ready || options_.oid < from)) {
        return Refuse{RefusalReason::kNameTaken, taken + " at " + options_.endpoints.control};
    }
    for (auto& [oid, holder] : peers_) {
        const bool holds = holder.in_session() || (holder.state == PeerState::kJoining && holder.spoke_to_us);
        if (oid == from || !holds || holder.name != who.name) {
            continue;
        }
        const bool same_place = holder.endpoints.control == who.endpoints.control;
        if (same_place && (holder.link_lost || !holder.link_up)) {
            if (holder.in_session()) {
                declare_dead(now, holder, "another process has taken its place", out);
            } else {
                give_up(now, holder, out);
            }
            return std::nullopt;
        }
        if (!same_place && who.ready) {
            continue;  // it is established: it stays, whoever took its name while we could not see it
        }
        return Refuse{RefusalReason::kNameTaken, taken + " at " + holder.endpoints.control};
    }
    return std::nullopt;
}

void Membership::refuse(Instant now, OriginId to, const std::string& endpoint, Refuse message, Effects& out) {
    const bool under_way = std::any_of(refusals_.begin(), refusals_.end(), [&](const Refusal& r) { return r.to == to; });
    if (under_way || refusals_.size() >= options_.limits.refusals) {
        return;
    }
    ++counters_.refused;
    out.push_back(Notice{Severity::kWarn, "refused a newcomer at " + endpoint + ": " + message.text});
    const LinkId link = fresh_link();
    out.push_back(OpenLink{link, endpoint});
    refusals_.push_back({link, std::move(message), to, now + options_.timing.handshake});
}

Peer* Membership::acquaint(Instant now, OriginId oid, const Introduction& who, Effects& out) {
    auto found = peers_.find(oid);
    if (found == peers_.end()) {
        if (!make_room(out)) {
            refuse(now, oid, who.endpoints.control, {RefusalReason::kFull, "the member table is full"}, out);
            return nullptr;
        }
        replace_at(now, who.endpoints.control, out);
        found = peers_.emplace(oid, Peer{}).first;
        found->second.oid = oid;
        found->second.endpoints = who.endpoints;
        found->second.give_up_at = now + options_.timing.handshake;
    }
    Peer& peer = found->second;
    introduce(peer, who);
    if (peer.state == PeerState::kLeft) {
        return nullptr;  // its last words
    }
    peer.spoke_to_us = true;
    if (peer.state == PeerState::kDead) {
        revive(now, peer, out);
    }
    if (!peer.link) {
        open_link(now, peer, out);
    }
    return &peer;
}

void Membership::replace_at(Instant now, const std::string& endpoint, Effects& out) {
    for (auto& [oid, peer] : peers_) {
        if (peer.endpoints.control != endpoint) {
            continue;
        }
        if (peer.in_session() && peer.link_lost) {
            declare_dead(now, peer, "another process has taken its place", out);
        }
        if (peer.state == PeerState::kDead) {
            close_link(peer, out);
            peer.redial_at.reset();
        }
    }
}

void Membership::introduce(Peer& peer, const Introduction& who) {
    peer.name = who.name;
    peer.version = who.version;
    peer.ready = who.ready;
    peer.endpoints.data = who.endpoints.data;
    peer.endpoints.listen = who.endpoints.listen;
}

SessionTerms Membership::terms_for(const Peer& peer) const {
    SessionTerms terms = records_.terms(peer.oid);
    terms.at = peer.start;
    terms.members = members();
    if (terms.members.size() > options_.limits.members_per_message) {
        terms.members.resize(options_.limits.members_per_message);
    }
    return terms;
}

void Membership::new_attempt(Instant now, Peer& peer) {
    peer.local_tag = SessionTag{++last_tag_};
    peer.remote_tag = {};
    peer.bound = false;
    if (!peer.was_alive) {
        peer.start = records_.last();  // later attempts: it is owed all since it was a member, though it may know of no session
    }
    peer.give_up_at = now + options_.timing.handshake;
}

void Membership::send_hello(Instant now, Peer& peer, Effects& out) {
    if (!peer.in_session()) {
        peer.hello_at = now + options_.timing.hello_retry;
    }
    Hello hello{.who = introduction(), .tag = peer.local_tag, .terms = terms_for(peer), .knocked = peer.knocked};
    out.push_back(SendControl{*peer.link, envelope(peer, {}, std::move(hello))});
}

void Membership::bind(Instant now, Peer& peer, SessionTag remote, const SessionTerms& terms) {
    peer.remote_tag = remote;
    peer.newest_remote = remote;
    peer.bound = true;
    peer.their_delivered = terms.delivered;
    peer.their_at = terms.at;
    peer.their_extras = terms.extras;
    peer.hello_at = now + options_.timing.hello_retry;  // our answer may be lost: ask whether it stands
    peer.give_up_at = now + options_.timing.handshake;
}

void Membership::confirm(Instant now, Peer& peer, Effects& out) {
    digest_ ^= peer.in_session() ? 0 : peer.oid.value;
    peer.state = PeerState::kAlive;
    peer.was_alive = true;
    peer.last_heard = now;
    peer.link_lost = !peer.link_up && peer.link_lost;
    peer.probe = {};
    peer.hello_at.reset();
    peer.give_up_at.reset();
    peer.redial_at.reset();
    peer.backoff = {};
    peer.knocked.clear();
    name_refused_since_.reset();
    barred_until_.reset();
    ++counters_.sessions;
    gate_.named(now, peer.oid);
    flag_name_conflicts(peer, out);
    out.push_back(Notice{Severity::kInfo, "session with " + peer.name + " (" + to_hex(peer.oid) + ") at " +
                                              peer.endpoints.control});
    events_.push_back(SessionUp{peer.oid, peer.their_delivered, peer.their_at, peer.start, peer.their_extras});
}

void Membership::flag_name_conflicts(Peer& peer, Effects& out) {
    peer.name_conflict = peer.name == options_.name;
    for (auto& [oid, other] : peers_) {
        if (oid != peer.oid && other.in_session() && other.name == peer.name) {
            peer.name_conflict = true;
            other.name_conflict = true;
        }
    }
    if (peer.name_conflict) {
        out.push_back(Notice{Severity::kError, "two established nodes bear the name '" + peer.name + "'"});
    }
}

}  // namespace tulle::mesh
