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
            .newest_protocol = options_.newest_protocol,
            .ready = ready_};
}

Control Membership::envelope(const Peer& peer, SessionTag tag, ControlBody body) const {
    return {.src = options_.oid, .dst = peer.oid, .tag = tag, .body = std::move(body), .protocol = peer.protocol};
}

std::uint32_t Membership::common_protocol() const {
    std::uint32_t common = options_.newest_protocol;
    for (const auto& [oid, peer] : peers_) {
        common = peer.in_session() ? std::min(common, peer.protocol) : common;
    }
    return common;
}

void Membership::on_knock(Instant now, OriginId from, const Knock& knock, Effects& out) {
    if (from == options_.oid) {
        // Strangers know our id, as they are answered under it; what we have put into our own knocks they do not know.
        if (self_ && knock.nonce == self_->nonce) {
            heard_self(out);
        }
        for (Seed& seed : seeds_) {
            if (seed.endpoint == knock.dialled && seed.nonce == knock.nonce) {
                seed_is_self(now, seed, out);
            }
        }
        return;
    }
    if (std::optional<Refuse> no = objection(now, from, knock.who, out)) {
        refuse(now, from, knock.who, knock.nonce, std::move(*no), out);
        return;
    }
    Peer* peer = acquaint(now, from, knock.who, knock.nonce, out);
    if (peer == nullptr) {
        return;
    }
    peer->knocked = knock.dialled;
    peer->knock_nonce = knock.nonce;
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
        refuse(now, from, hello.who, hello.tag.value, std::move(*no), out);
        return;
    }
    Peer* known = acquaint(now, from, hello.who, hello.tag.value, out);
    if (known == nullptr) {
        return;
    }
    Peer& peer = *known;
    if (hello.tag < peer.newest_remote) {
        ++counters_.stale;
        return;
    }
    gate_.named(now, from);  // before the seed counts as answered, or the gate could open without this member
    // The endpoint alone proves nothing, as a stranger can guess it: only who was sent the Knock knows its nonce.
    const auto asked = std::find_if(seeds_.begin(), seeds_.end(), [&](const Seed& seed) {
        return seed.endpoint == hello.knocked && seed.nonce == hello.echo;
    });
    if (asked != seeds_.end()) {
        seed_answered(*asked, from, out);
    }
    if (asked != seeds_.end() || peer.was_alive || peer.named_by != OriginId{}) {
        learn(now, from, hello.terms.members, out);  // a stranger's word can wait until there is a session
    }
    if (peer.bound && peer.remote_tag != hello.tag && !peer.in_session() && peer.link_up && options_.oid > from) {
        // Two Hellos that cross while an older attempt is bound on both sides: if both sides began anew now, neither's
        // answer would fit, and so again with the next two, which are sent at the same moment. The one with the higher
        // id waits.
        return;
    }
    if (!(peer.bound && peer.remote_tag == hello.tag)) {
        if (peer.in_session()) {
            end_session(peer, PeerState::kJoining);
        }
        if (peer.bound || peer.local_tag == SessionTag{}) {
            new_attempt(now, peer);
        }
        bind(now, peer, hello.who, hello.tag, hello.terms);
    }
    Welcome welcome{.who = introduction(), .echo = hello.tag, .tag = peer.local_tag, .terms = terms_for(peer)};
    out.push_back(SendControl{*peer.link, envelope(peer, {}, std::move(welcome))});
    if (!peer.link_up) {
        peer.welcome_on_up = hello.tag;
    }
}

void Membership::on_welcome(Instant now, OriginId from, const Welcome& welcome, Effects& out) {
    const auto found = peers_.find(from);
    // Without an attempt of ours, and a link for it, there is nothing that a Welcome could answer.
    if (found == peers_.end() || found->second.local_tag == SessionTag{} || !found->second.link ||
        welcome.echo != found->second.local_tag || welcome.tag < found->second.newest_remote) {
        ++counters_.stale;
        return;
    }
    if (std::optional<Refuse> no = objection(now, from, welcome.who, out)) {
        refuse(now, from, welcome.who, welcome.tag.value, std::move(*no), out);
        return;
    }
    Peer& peer = found->second;
    introduce(peer, welcome.who);
    if (peer.bound && peer.remote_tag != welcome.tag) {
        // The other side has begun anew while a bound attempt stood here: what is under way has mixed tags. Once more.
        end_session(peer, PeerState::kJoining);
        new_attempt(now, peer);
        send_hello(now, peer, out);
        return;
    }
    if (!peer.bound) {
        bind(now, peer, welcome.who, welcome.tag, welcome.terms);
    }
    if (!peer.in_session()) {
        confirm(now, peer, out);
    }
    heard(now, peer, out);
    heard_on_control(now, peer, out);
    // last: making room for who is named may erase any peer without a session
    learn(now, from, welcome.terms.members, out);
}

std::optional<Refuse> Membership::objection(Instant now, OriginId from, const Introduction& who, Effects& out) {
    if (who.cluster != options_.cluster) {
        return Refuse{RefusalReason::kCluster, "this is another cluster"};  // a stranger is not told which
    }
    if (who.oldest_protocol > options_.newest_protocol || who.newest_protocol < kOldestProtocolVersion) {
        return Refuse{RefusalReason::kProtocol, "no mesh protocol version in common (here " +
                                                    std::to_string(kOldestProtocolVersion) + " to " +
                                                    std::to_string(options_.newest_protocol) + ")"};
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
    const auto holds_name = [&](const Peer& peer) {
        const bool is_there = peer.in_session() || (peer.state == PeerState::kJoining && peer.spoke_to_us);
        return peer.oid != from && is_there && peer.name == who.name;
    };
    const auto same_place = [&](const Peer& peer) { return peer.endpoints.control == who.endpoints.control; };
    // First: several nodes may bear the name for a while, and whether another one holds it changes nothing for the one
    // that was here.
    const auto replaced = std::find_if(peers_.begin(), peers_.end(), [&](const auto& entry) {
        const Peer& peer = entry.second;
        return holds_name(peer) && same_place(peer) && (peer.link_lost || !peer.link_up);
    });
    if (replaced != peers_.end() && replaced->second.in_session()) {
        declare_dead(now, replaced->second, "another process has taken its place", out);
    } else if (replaced != peers_.end()) {
        give_up(now, replaced->second, out);
    }
    for (const auto& [oid, holder] : peers_) {
        // Who is established stays, whoever took its name while we could not see it.
        if (holds_name(holder) && (same_place(holder) || !who.ready)) {
            return Refuse{RefusalReason::kNameTaken, taken + " at " + holder.endpoints.control};
        }
    }
    return std::nullopt;
}

Peer* Membership::acquaint(Instant now, OriginId oid, const Introduction& who, std::uint64_t echo, Effects& out) {
    auto found = peers_.find(oid);
    if (found == peers_.end()) {
        if (!may_dial(who.endpoints.control, true)) {
            ++counters_.put_off;  // an honest one asks again in a moment
            return nullptr;
        }
        if (!make_room(out)) {
            refuse(now, oid, who, echo, {RefusalReason::kFull, "the member table is full"}, out);
            return nullptr;
        }
        replace_at(now, who.endpoints.control, out);
        found = peers_.emplace(oid, Peer{}).first;
        found->second.oid = oid;
        found->second.endpoints = who.endpoints;
        found->second.met_at = now;
        found->second.give_up_at = now + options_.timing.handshake;
    }
    Peer& peer = found->second;
    introduce(peer, who);
    doubt_goodbye(now, peer, who.ready);
    if (peer.state == PeerState::kLeft) {
        return nullptr;  // its last words
    }
    if (is_shunned(now, peer)) {
        ++counters_.stale;
        return nullptr;
    }
    if (!peer.link && !peer.was_alive && !may_dial(peer.endpoints.control, true)) {
        ++counters_.put_off;
        return nullptr;
    }
    peer.spoke_to_us = true;
    if (peer.state == PeerState::kDead) {
        revive(now, peer, out);
    }
    if (!peer.link) {
        peer.redial_at.reset();
        peer.give_up_at = peer.give_up_at ? peer.give_up_at : now + options_.timing.handshake;
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
    // Upwards, so that the newer of two is known; not to be guessed, so that nobody else can speak in the session.
    peer.local_tag = SessionTag{(std::uint64_t{++attempts_} << 32) | (secret() & 0xffff'ffff)};
    peer.remote_tag = {};
    peer.bound = false;
    if (!peer.was_alive) {
        // later attempts: it is owed all since it was a member, though it may know of no session
        peer.start = records_.last();
    }
    peer.give_up_at = now + options_.timing.handshake;
}

void Membership::send_hello(Instant now, Peer& peer, Effects& out) {
    if (!peer.in_session()) {
        peer.hello_at = now + options_.timing.hello_retry;
    }
    Hello hello{.who = introduction(),
                .tag = peer.local_tag,
                .terms = terms_for(peer),
                .knocked = peer.knocked,
                .echo = peer.knock_nonce};
    out.push_back(SendControl{*peer.link, envelope(peer, {}, std::move(hello))});
}

void Membership::bind(Instant now, Peer& peer, const Introduction& who, SessionTag remote, const SessionTerms& terms) {
    // it is not older than ours: objection() has looked
    peer.protocol = std::min(options_.newest_protocol, who.newest_protocol);
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
    peer.session_since = now;
    peer.shunned_until.reset();
    restart_control(now, peer);
    peer.link_lost = !peer.link_up && peer.link_lost;
    peer.probe = {};
    peer.hello_at.reset();
    peer.give_up_at.reset();
    peer.redial_at.reset();
    peer.backoff = {};
    peer.knocked.clear();
    peer.knock_nonce = 0;
    peer.has_left = false;
    if (const auto namer = peers_.find(std::exchange(peer.named_by, {})); namer != peers_.end()) {
        // it was right
        namer->second.names_left = std::min(options_.limits.names_per_peer, namer->second.names_left + 1);
    }
    for (Seed& seed : seeds_) {
        if (seed.endpoint == peer.endpoints.control && seed.oid != peer.oid) {
            seed_answered(seed, peer.oid, out);  // who dials us at that moment has had no Knock to answer
        }
        if (seed.oid == peer.oid) {
            seed.met = true;
            seed.refused = false;
            seed.failure.clear();
        }
    }
    name_refused_since_.reset();
    barred_until_.reset();
    refused_until_.reset();
    ++counters_.sessions;
    gate_.named(now, peer.oid);
    flag_name_conflicts(peer, out);
    out.push_back(Notice{Severity::kInfo,
                         "session with " + peer.name + " (" + to_hex(peer.oid) + ") at " + peer.endpoints.control});
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
