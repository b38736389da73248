#include "mesh/core/session/handshake.hpp"

#include <algorithm>
#include <utility>

#include "mesh/base/assert.hpp"

// The handshake. Each side draws a tag for its attempt; a session is a pair of tags that both sides know.
//
//   A (knows only an endpoint)          B
//   Knock(nonce)               ->
//                              <-       Hello(tag b, echo of the nonce)
//   Welcome(tag a, echo b)     ->       bound and confirmed: the session stands at B
//   bound                      <-       any message with tag a: the session stands at A
//
// A node that knows the other's id skips the Knock. All messages may be lost or repeated, and both sides may begin at
// the same moment. So a Hello is repeated until the session stands, tags only grow, and older tags are dropped. An echo
// proves that the sender has received our message: nobody can answer or refuse in another node's stead.
namespace tulle::mesh {

void Handshake::on_knock(Instant now, OriginId from, const Knock& knock, Effects& out) {
    // Strangers know our id, as every answer bears our id. The nonces of our own knocks are known to nobody else.
    if (from == table_.options().oid) {
        if (own_.is_own_knock(knock)) {
            own_.heard(out);
        }
        seeds_.on_own_knock(now, knock, out);
        return;
    }
    if (std::optional<Refuse> no = objection(now, from, knock.who, out)) {
        refusals_.refuse(now, from, knock.who, knock.nonce, std::move(*no), out);
        return;
    }
    Peer* peer = acquaint(now, from, knock.who, knock.nonce, out);
    if (peer == nullptr) {
        return;
    }
    peer->knocked = knock.dialled;
    peer->knock_nonce = knock.nonce;
    // An attempt under way is kept, so the answer to an earlier Hello still fits.
    if (!peer->in_session() && peer->local_tag == SessionTag{}) {
        new_attempt(now, *peer);
    }
    send_hello(now, *peer, out);
}

void Handshake::on_hello(Instant now, OriginId from, const Hello& hello, Effects& out) {
    if (from == table_.options().oid) {
        return;
    }
    if (std::optional<Refuse> no = objection(now, from, hello.who, out)) {
        refusals_.refuse(now, from, hello.who, hello.tag.value, std::move(*no), out);
        return;
    }
    Peer* known = acquaint(now, from, hello.who, hello.tag.value, out);
    if (known == nullptr) {
        return;
    }
    Peer& peer = *known;
    if (hello.tag < peer.newest_remote) {
        ++table_.counters().stale;
        return;
    }
    // Before the seed counts as answered: otherwise the join gate could open without this member.
    table_.gate().named(now, from);
    Seed* const asked = seeds_.asked(hello);
    if (asked != nullptr) {
        seeds_.seed_answered(*asked, from, out);
    }
    if (asked != nullptr || peer.was_alive || peer.named_by != OriginId{}) {
        // The word of a complete stranger can wait until a session stands.
        learn(now, from, hello.terms.members, out);
    }
    if (peer.bound && peer.remote_tag != hello.tag && !peer.in_session() && peer.connection_up &&
        table_.options().oid > from) {
        // Two Hellos have crossed while an older attempt is bound on both sides. If both sides began again, neither
        // answer would fit, and the next two Hellos, sent at the same moment, would cross again. The node with the
        // higher id waits.
        return;
    }
    // A Hello with a new tag ends the session or attempt known so far: the other side has begun again. A repeated Hello
    // keeps both.
    if (!(peer.bound && peer.remote_tag == hello.tag)) {
        if (peer.in_session()) {
            table_.end_session(peer, PeerState::kJoining);
        }
        if (peer.bound || peer.local_tag == SessionTag{}) {
            new_attempt(now, peer);
        }
        bind(now, peer, hello.who, hello.tag, hello.terms);
    }
    // A repeated Hello is answered again, as the first Welcome may be lost.
    Welcome welcome{.who = table_.introduction(), .echo = hello.tag, .tag = peer.local_tag, .terms = terms_for(peer)};
    out.push_back(SendControl{*peer.connection, table_.envelope(peer, {}, std::move(welcome))});
    // The Welcome just sent is probably dropped, so another is sent when the connection stands.
    if (!peer.connection_up) {
        peer.welcome_on_up = hello.tag;
    }
}

void Handshake::on_welcome(Instant now, OriginId from, const Welcome& welcome, Effects& out) {
    const auto found = table_.peers().find(from);
    // Without an attempt of ours and a connection for the attempt, a Welcome answers nothing.
    if (found == table_.peers().end() || found->second.local_tag == SessionTag{} || !found->second.connection ||
        welcome.echo != found->second.local_tag || welcome.tag < found->second.newest_remote) {
        ++table_.counters().stale;
        return;
    }
    if (std::optional<Refuse> no = objection(now, from, welcome.who, out)) {
        refusals_.refuse(now, from, welcome.who, welcome.tag.value, std::move(*no), out);
        return;
    }
    Peer& peer = found->second;
    introduce(peer, welcome.who);
    if (peer.bound && peer.remote_tag != welcome.tag) {
        // The other side has begun again while a bound attempt stood here, so messages under way have mixed tags. Both
        // sides start over with fresh tags.
        table_.end_session(peer, PeerState::kJoining);
        new_attempt(now, peer);
        send_hello(now, peer, out);
        return;
    }
    if (!peer.bound) {
        bind(now, peer, welcome.who, welcome.tag, welcome.terms);
    }
    // The Welcome echoes our tag, so the other side knows both tags: no further proof is needed.
    if (!peer.in_session()) {
        confirm(now, peer, out);
    }
    liveness_.heard(now, peer, out);
    liveness_.heard_on_control(now, peer, out);
    // Last, because making room for named nodes may erase any peer without a session.
    learn(now, from, welcome.terms.members, out);
}

void Handshake::on_refuse(Instant now, OriginId from, const Refuse& refuse, Effects& out) {
    if (is_refused_at_place(now, from, refuse, out)) {
        return;
    }
    Seed* seed = seeds_.refused_seed(refuse);
    if (seed == nullptr && !is_refused_by(from, refuse)) {
        ++table_.counters().stale;
        return;
    }
    const Peer* peer = table_.find(from);
    const std::string who = peer != nullptr ? peer->name : to_hex(from);
    // Only a joiner gives way for its name. A node that serves clients stays.
    if (refuse.reason == RefusalReason::kNameTaken && !table_.is_ready()) {
        refusals_.on_refused_name(now, who, refuse, out);
    }
    const std::string endpoint = seed != nullptr ? seed->endpoint : peer->endpoints.control;
    if (peer == nullptr || !peer->in_session()) {
        // The sender has received what we sent to this endpoint, so any former process there has gone.
        liveness_.replace_at(now, endpoint, out);
    }
    refusals_.note(
        now, {.by_us = false, .name = who, .endpoint = endpoint, .reason = refuse.reason, .text = refuse.text}, out);
    // A name may become free within seconds, so the seed is asked again soon. Other reasons need a change of
    // configuration.
    if (refuse.reason == RefusalReason::kNameTaken) {
        seeds_.on_name_refused(seed, from);
    } else if (seed != nullptr) {
        refusals_.on_refused(now);
        seeds_.on_refused(now, *seed, refuse.reason, out);
    }
}

bool Handshake::is_refused_by(OriginId from, const Refuse& refuse) const {
    const Peer* peer = table_.find(from);
    return peer != nullptr && peer->named_by != OriginId{} && refuse.echo != 0 && peer->local_tag.value == refuse.echo;
}

// The Knock goes over the peer's connection alone, so only the process at the end of the connection can answer. That
// process need not take this node in: another node may hold this node's name there.
bool Handshake::is_refused_at_place(Instant now, OriginId from, const Refuse& refuse, Effects& out) {
    const auto& peers = table_.peers();
    const auto found = std::find_if(peers.begin(), peers.end(), [&](const auto& entry) {
        return entry.first != from && entry.second.in_session() && refuse.echo != 0 &&
               entry.second.place_nonce == refuse.echo;
    });
    if (found == peers.end()) {
        return false;
    }
    liveness_.replace_at(now, std::string(found->second.endpoints.control), out);
    return true;
}

std::optional<Refuse> Handshake::objection(Instant now, OriginId from, const Introduction& who, Effects& out) {
    if (who.cluster != table_.options().cluster) {
        // The name of the cluster is not told to a stranger.
        return Refuse{RefusalReason::kCluster, "this is another cluster"};
    }
    if (who.oldest_protocol > table_.options().newest_protocol || who.newest_protocol < kOldestProtocolVersion) {
        return Refuse{RefusalReason::kProtocol, "no mesh protocol version in common (here " +
                                                    std::to_string(kOldestProtocolVersion) + " to " +
                                                    std::to_string(table_.options().newest_protocol) + ")"};
    }
    return name_objection(now, from, who, out);
}

std::optional<Refuse> Handshake::name_objection(Instant now, OriginId from, const Introduction& who, Effects& out) {
    // An established peer keeps its name, whatever happened meanwhile.
    if (const Peer* self = table_.find(from); self != nullptr && self->in_session()) {
        return std::nullopt;
    }
    const std::string taken = "the name '" + who.name + "' is held by another node";
    // Two established nodes with our name may meet after a split: both stay. A joiner and an established node refuse
    // each other, but only the joiner heeds the refusal. Between two joiners the lower id keeps the name.
    if (who.name == table_.options().name && !(table_.is_ready() && who.ready) &&
        (table_.is_ready() || who.ready || table_.options().oid < from)) {
        return Refuse{RefusalReason::kNameTaken, taken + " at " + table_.options().endpoints.control};
    }
    // A peer known by hearsay alone holds no name: nobody has seen such a node.
    const auto holds_name = [&](const Peer& peer) {
        const bool is_there = peer.in_session() || (peer.state == PeerState::kJoining && peer.spoke_to_us);
        return peer.oid != from && is_there && peer.name == who.name;
    };
    const auto same_place = [&](const Peer& peer) { return peer.endpoints.control == who.endpoints.control; };
    // First look for the process formerly at the same place. Several nodes may bear the name for a while, and a holder
    // elsewhere changes nothing for the process that was here.
    const auto replaced = std::find_if(table_.peers().begin(), table_.peers().end(), [&](const auto& entry) {
        const Peer& peer = entry.second;
        return holds_name(peer) && same_place(peer) && (peer.connection_lost || !peer.connection_up);
    });
    if (replaced != table_.peers().end() && replaced->second.in_session()) {
        liveness_.declare_dead(now, replaced->second, "another process has taken its place", out);
    } else if (replaced != table_.peers().end()) {
        dialler_.give_up(now, replaced->second, out);
    }
    for (const auto& [oid, holder] : table_.peers()) {
        // An established newcomer stays, whichever node took its name while the two could not see each other.
        if (holds_name(holder) && (same_place(holder) || !who.ready)) {
            return Refuse{RefusalReason::kNameTaken, taken + " at " + holder.endpoints.control};
        }
    }
    return std::nullopt;
}

Peer* Handshake::acquaint(Instant now, OriginId oid, const Introduction& who, std::uint64_t echo, Effects& out) {
    auto found = table_.peers().find(oid);
    if (found == table_.peers().end()) {
        if (!dialler_.may_dial(who.endpoints.control, true)) {
            ++table_.counters().put_off;
            return nullptr;
        }
        if (!dialler_.make_room(out)) {
            refusals_.refuse(now, oid, who, echo, {RefusalReason::kFull, "the member table is full"}, out);
            return nullptr;
        }
        // A former process at this endpoint is gone, if the connection to the former process has broken.
        liveness_.replace_at(now, who.endpoints.control, out);
        found = table_.peers().emplace(oid, Peer{}).first;
        found->second.oid = oid;
        found->second.endpoints = who.endpoints;
        found->second.met_at = now;
        found->second.give_up_at = now + table_.timing().handshake;
    }
    Peer& peer = found->second;
    introduce(peer, who);
    doubt_goodbye(now, peer, who.ready);
    if (peer.state == PeerState::kLeft) {
        return nullptr;
    }
    if (Liveness::is_shunned(now, peer)) {
        ++table_.counters().stale;
        return nullptr;
    }
    // A known peer that was never met also needs a free place for its connection.
    if (!peer.connection && !peer.was_alive && !dialler_.may_dial(peer.endpoints.control, true)) {
        ++table_.counters().put_off;
        return nullptr;
    }
    peer.spoke_to_us = true;
    if (peer.state == PeerState::kDead) {
        revive(now, peer, out);
    }
    if (!peer.connection) {
        // The connection opened here replaces the next scheduled attempt.
        peer.redial_at.reset();
        peer.give_up_at = peer.give_up_at ? peer.give_up_at : now + table_.timing().handshake;
        dialler_.open_connection(now, peer, out);
    }
    return &peer;
}

void Handshake::introduce(Peer& peer, const Introduction& who) {
    peer.name = who.name;
    peer.version = who.version;
    peer.ready = who.ready;
    peer.endpoints.data = who.endpoints.data;
    peer.endpoints.listen = who.endpoints.listen;
}

SessionTerms Handshake::terms_for(const Peer& peer) const {
    SessionTerms terms = records_.terms(peer.oid);
    terms.at = peer.start;
    terms.members = table_.members();
    if (terms.members.size() > table_.limits().members_per_message) {
        terms.members.resize(table_.limits().members_per_message);
    }
    return terms;
}

void Handshake::new_attempt(Instant now, Peer& peer) {
    peer.local_tag = table_.fresh_tag();
    peer.remote_tag = {};
    peer.bound = false;
    if (!peer.was_alive) {
        // Later attempts keep the start: the peer is owed all records since the first session here, though the peer may
        // know of no session.
        peer.start = records_.last();
    }
    peer.give_up_at = now + table_.timing().handshake;
}

void Handshake::send_hello(Instant now, Peer& peer, Effects& out) {
    TULLE_ASSERT(peer.connection);
    if (!peer.in_session()) {
        peer.hello_at = now + table_.timing().hello_retry;
    }
    Hello hello{.who = table_.introduction(),
                .tag = peer.local_tag,
                .terms = terms_for(peer),
                .knocked = peer.knocked,
                .echo = peer.knock_nonce};
    out.push_back(SendControl{*peer.connection, table_.envelope(peer, {}, std::move(hello))});
}

void Handshake::bind(Instant now, Peer& peer, const Introduction& who, SessionTag remote, const SessionTerms& terms) {
    TULLE_ASSERT(!peer.bound && !peer.in_session());
    peer.protocol = std::min(table_.options().newest_protocol, who.newest_protocol);
    // objection() has refused older versions.
    TULLE_ASSERT(peer.protocol >= kOldestProtocolVersion);
    peer.remote_tag = remote;
    peer.newest_remote = remote;
    peer.bound = true;
    peer.their_delivered = terms.delivered;
    peer.their_at = terms.at;
    peer.their_extras = terms.extras;
    // Our Welcome may be lost: the next Hello finds out whether the session stands.
    peer.hello_at = now + table_.timing().hello_retry;
    peer.give_up_at = now + table_.timing().handshake;
}

void Handshake::confirm(Instant now, Peer& peer, Effects& out) {
    TULLE_ASSERT(peer.bound && !peer.in_session());
    table_.begin_session(peer);
    peer.was_alive = true;
    peer.last_heard = now;
    peer.session_since = now;
    peer.surely_echoed = now;
    peer.shunned_until.reset();
    Liveness::restart_control(now, peer);
    // A connection that is up has just proved to lead to this process.
    peer.connection_lost = !peer.connection_up && peer.connection_lost;
    peer.probe.forget();
    peer.hello_at.reset();
    peer.give_up_at.reset();
    peer.redial_at.reset();
    peer.backoff = {};
    peer.knocked.clear();
    peer.knock_nonce = 0;
    peer.has_left = false;
    if (const auto namer = table_.peers().find(std::exchange(peer.named_by, {})); namer != table_.peers().end()) {
        // The name led to a session, so the namer gets back the share that the name had cost.
        namer->second.names_left = std::min(table_.limits().names_per_peer, namer->second.names_left + 1);
    }
    seeds_.on_session(peer, out);
    refusals_.on_session();
    table_.gate().named(now, peer.oid);
    flag_name_conflicts(peer, out);
    out.push_back(Notice{Severity::kInfo,
                         "session with " + peer.name + " (" + to_hex(peer.oid) + ") at " + peer.endpoints.control,
                         EventKind::kSession});
    table_.tell(SessionUp{peer.oid, peer.their_delivered, peer.their_at, peer.start, peer.their_extras});
}

void Handshake::flag_name_conflicts(Peer& peer, Effects& out) {
    peer.name_conflict = peer.name == table_.options().name;
    for (auto& [oid, other] : table_.peers()) {
        if (oid != peer.oid && other.in_session() && other.name == peer.name) {
            peer.name_conflict = true;
            other.name_conflict = true;
        }
    }
    if (peer.name_conflict) {
        out.push_back(
            Notice{Severity::kError, "two established nodes bear the name '" + peer.name + "'", EventKind::kSelf});
    }
}

void Handshake::learn(Instant now, OriginId by, const std::vector<MemberInfo>& members, Effects& out) {
    for (const MemberInfo& info : members) {
        if (info.oid == table_.options().oid || info.oid == OriginId{}) {
            continue;
        }
        const auto found = table_.peers().find(info.oid);
        if (found == table_.peers().end()) {
            add_named(now, by, info, out);
            continue;
        }
        Peer& peer = found->second;
        // Another node sees this dead peer alive: dial as early as the shortest pause allows.
        if (peer.state == PeerState::kDead && peer.redial_at && !peer.connection && !Liveness::is_shunned(now, peer)) {
            peer.redial_at = std::min(*peer.redial_at, peer.dead_since + table_.timing().redial_min);
        } else if (peer.state == PeerState::kJoining) {
            table_.gate().named(now, info.oid);
        }
    }
}

// Dialler::tick() dials a named node only when a place is free, so a peer that names many nodes can't make this node
// dial all of them at once.
void Handshake::add_named(Instant now, OriginId by, const MemberInfo& info, Effects& out) {
    if (!table_.is_dialling() || !dialler_.may_name(now, by) || !dialler_.make_room(out)) {
        return;
    }
    table_.gate().named(now, info.oid);
    Peer& peer = table_.peers()[info.oid];
    peer.oid = info.oid;
    peer.name = info.name;
    peer.endpoints = info.endpoints;
    peer.met_at = now;
    peer.named_by = by;
    peer.redial_at = now;
    dialler_.tick(now, peer, out);
}

void Handshake::revive(Instant now, Peer& peer, Effects& out) {
    peer.state = PeerState::kJoining;
    peer.redial_at.reset();
    if (!peer.connection) {
        dialler_.open_connection(now, peer, out);
    }
    // An attempt that began when the connection came up is kept: the peer may be answering. Two nodes often get their
    // connections at the same moment. If both began again at the other's first Hello, neither answer would ever fit.
    if (!peer.connection_up || peer.local_tag == SessionTag{}) {
        new_attempt(now, peer);
    }
    send_hello(now, peer, out);
}

void Handshake::doubt_goodbye(Instant now, Peer& peer, bool ready) {
    const Duration since = now - peer.dead_since;
    // A leaver still speaks for a while after its goodbye, until its drain ends. A leaver never says "ready", so that
    // word needs less time.
    const Duration enough = ready ? table_.timing().left_ready : table_.timing().left_for_good;
    if (peer.state == PeerState::kLeft && table_.is_dialling() && since >= enough) {
        table_.note_change();
        peer.state = PeerState::kDead;
    }
}

void Handshake::on_connection_up(Instant now, Peer& peer, Effects& out) {
    peer.connection_up = true;
    peer.check_at.reset();
    if (peer.in_session()) {
        if (peer.connection_lost) {
            // The connection broke and stands again: find out whether the same process answers.
            dialler_.ask_who_is_there(peer, out);
        }
        return;
    }
    // A Welcome that found no connection is sent now, if the attempt is still the same.
    if (peer.welcome_on_up) {
        Welcome welcome{
            .who = table_.introduction(), .echo = *peer.welcome_on_up, .tag = peer.local_tag, .terms = terms_for(peer)};
        peer.welcome_on_up.reset();
        if (peer.bound && welcome.echo == peer.remote_tag) {
            out.push_back(SendControl{*peer.connection, table_.envelope(peer, {}, std::move(welcome))});
            return;
        }
    }
    // Otherwise offer a session, with a fresh tag if the last attempt failed.
    if (!peer.bound) {
        if (peer.local_tag == SessionTag{} || peer.state == PeerState::kDead) {
            new_attempt(now, peer);
        }
        send_hello(now, peer, out);
        if (peer.was_alive) {
            // Another process may live at the former member's endpoint. The Hello names the former id, so such a
            // process would drop the Hello; a Knock is answered by anybody.
            dialler_.ask_who_is_there(peer, out);
        }
    }
}

void Handshake::tick(Instant now, Peer& peer, Effects& out) {
    TULLE_ASSERT(!peer.in_session());
    if (peer.give_up_at && *peer.give_up_at <= now) {
        dialler_.give_up(now, peer, out);
        return;
    }
    if (peer.hello_at && *peer.hello_at <= now && peer.connection) {
        send_hello(now, peer, out);
    }
    dialler_.tick(now, peer, out);
}

}  // namespace tulle::mesh
