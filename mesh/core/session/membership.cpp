#include "mesh/core/session/membership.hpp"

#include <algorithm>
#include <utility>

namespace tulle::mesh {
namespace {

/// A message that may be the first word between two nodes belongs to no session.
bool is_handshake(const ControlBody& body) {
    return std::holds_alternative<Knock>(body) || std::holds_alternative<Hello>(body) ||
           std::holds_alternative<Welcome>(body) || std::holds_alternative<Refuse>(body);
}

}  // namespace

Membership::Membership(const NodeOptions& options, Prng& prng, Records records)
    : table_(options, prng),
      seeds_(table_),
      unmet_notices_(table_),
      refusals_(table_),
      key_ids_(options.key_ids),
      sender_(table_),
      dialler_(table_, seeds_),
      own_(table_),
      liveness_(table_, dialler_, own_, sender_),
      handshake_(table_, std::move(records), seeds_, refusals_, dialler_, own_, liveness_) {}

OriginId Membership::on_connection_up(Instant now, ConnectionId connection, Effects& out) {
    table_.note_change();
    // Each connection belongs to exactly one part: ask the parts in turn.
    if (own_.on_connection(now, connection, true, out) || seeds_.on_connection_up(now, connection, out) ||
        refusals_.on_connection_up(now, connection, out)) {
        return {};
    }
    Peer* peer = table_.of_connection(connection);
    if (peer == nullptr) {
        return {};
    }
    handshake_.on_connection_up(now, *peer, out);
    return peer->in_session() ? peer->oid : OriginId{};
}

void Membership::on_connection_down(Instant now, ConnectionId connection, Effects& out) {
    table_.note_change();
    if (own_.on_connection(now, connection, false, out) || seeds_.on_connection_down(connection)) {
        return;
    }
    if (Peer* peer = table_.of_connection(connection)) {
        dialler_.on_connection_down(now, *peer, out);
    }
}

void Membership::on_endpoint_checked(Instant now, const EndpointChecked& checked, Effects& out) {
    table_.note_change();
    if (seeds_.on_endpoint_checked(now, checked, out)) {
        return;
    }
    if (Peer* peer = table_.of_connection(checked.connection);
        peer != nullptr && checked.state == EndpointState::kRefused) {
        liveness_.on_endpoint_refused(now, *peer, out);
    }
}

void Membership::on_connection_refused(Instant now, ConnectionId connection, Effects& out) {
    table_.note_change();
    const auto note = [&](const std::string& name, const std::string& endpoint, std::optional<OriginId> oid) {
        refusals_.note(now,
                       {.by_us = false,
                        .name = name,
                        .endpoint = endpoint,
                        .reason = RefusalReason::kKey,
                        .text = key_ids_.why_refused(oid)},
                       out);
    };
    Seed* const seed = seeds_.of(connection);
    if (seed == nullptr) {
        // A former member: the attempt ends by its own time. Of a node that others have named nothing is known, so
        // nothing is said of such a node. A configured node is dialled as such besides, and is told of there.
        if (const Peer* peer = table_.of_connection(connection);
            peer != nullptr && peer->was_alive && !seeds_.is_configured(*peer)) {
            note(peer->name, peer->endpoints.control, peer->oid);
        }
        return;
    }
    // The other side says nothing more. Of a node never met the endpoint stands for the name.
    const Peer* last = seed->oid ? table_.find(*seed->oid) : nullptr;
    note(last != nullptr ? last->name : seed->endpoint, seed->endpoint, seed->oid);
    refusals_.on_refused(now);
    seeds_.on_refused(now, *seed, RefusalReason::kKey, out);
}

struct Membership::Handler {
    Membership& all;
    Instant now;
    OriginId from;
    Effects& out;

    bool operator()(const Knock& knock) const { return all.handshake_.on_knock(now, from, knock, out), true; }
    bool operator()(const Hello& hello) const { return all.handshake_.on_hello(now, from, hello, out), true; }
    bool operator()(const Welcome& welcome) const { return all.handshake_.on_welcome(now, from, welcome, out), true; }
    bool operator()(const Refuse& refusal) const { return all.handshake_.on_refuse(now, from, refusal, out), true; }
    bool operator()(const Members& named) const { return all.handshake_.learn(now, from, named.members, out), true; }
    bool operator()(const ProbeAsk& ask) const { return all.liveness_.on_probe_ask(now, from, ask, out), true; }
    bool operator()(const ProbeAnswer& answer) const { return all.liveness_.on_probe_answer(now, from, answer), true; }
    /// All other kinds are for the services of the node; MeshNode names each kind.
    template <class T>
    bool operator()(const T&) const {
        return false;
    }
};

bool Membership::on_control(Instant now, const Control& message, Effects& out) {
    const bool is_knock = std::holds_alternative<Knock>(message.body);
    // Only a Knock may go to an unknown node. Anything else for another id was meant for an earlier process here.
    if (message.dst != table_.options().oid && !(message.dst == OriginId{} && is_knock)) {
        ++table_.counters().stale;
        return false;
    }
    if (is_handshake(message.body)) {
        // A handshake proves itself by echoes, not by the tag of a session.
        static_cast<void>(handle(now, message, out));
        return false;
    }
    // A heartbeat that says "ready" of a node that said goodbye shows that the goodbye was false.
    const auto* heartbeat = std::get_if<Heartbeat>(&message.body);
    const bool serves = heartbeat != nullptr && heartbeat->ready;
    return in_standing_session(now, message.src, message.tag, Way::kControl, serves, out) && !handle(now, message, out);
}

bool Membership::handle(Instant now, const Control& message, Effects& out) {
    const bool is_ours = std::visit(Handler{*this, now, message.src, out}, message.body);
    if (is_ours) {
        table_.note_change();
    }
    return is_ours;
}

bool Membership::on_data(Instant now, const Data& message, Effects& out) {
    if (message.dst != table_.options().oid) {
        ++table_.counters().stale;
        return false;
    }
    return in_standing_session(now, message.src, message.tag, Way::kData, false, out);
}

bool Membership::on_relayed(Instant now, const Control& message, Effects& out) {
    if (message.dst != table_.options().oid ||
        !sender_.in_relayed_session(now, message.src, message.tag, Way::kControl)) {
        return false;
    }
    // A handshake by way of a witness would prove nothing about the way between the two nodes. A Relay in a Relay is
    // refused: one hop is all.
    if (is_handshake(message.body) || std::holds_alternative<Relay>(message.body)) {
        ++table_.counters().stale;
        return false;
    }
    return !handle(now, message, out);
}

bool Membership::on_relayed(Instant now, const Data& message) {
    return message.dst == table_.options().oid && sender_.in_relayed_session(now, message.src, message.tag, Way::kData);
}

bool Membership::in_standing_session(Instant now, OriginId from, SessionTag tag, Way way, bool serves, Effects& out) {
    const auto found = table_.peers().find(from);
    if (found == table_.peers().end()) {
        ++table_.counters().stale;
        return false;
    }
    Peer& peer = found->second;
    if (peer.bound && tag == peer.local_tag) {
        // Only a peer that is alive already leaves every deadline as it is, or later.
        if (peer.state != PeerState::kAlive) {
            table_.note_change();
        }
        // The first message with both tags completes the handshake.
        if (!peer.in_session()) {
            handshake_.confirm(now, peer, out);
        }
        liveness_.heard(now, peer, out);
        if (way == Way::kControl) {
            liveness_.heard_on_control(now, peer, out);
        }
        return true;
    }
    ++table_.counters().stale;
    handshake_.doubt_goodbye(now, peer, serves);
    if (peer.state == PeerState::kDead && table_.is_dialling() && !Liveness::is_shunned(now, peer)) {
        table_.note_change();
        // The peer lives, and believes in a session that this node has ended.
        handshake_.revive(now, peer, out);
    }
    return false;
}

void Membership::on_deadline(Instant now, Effects& out) {
    // Most turns change nothing here: spare the look at every peer.
    if (!table_.is_changed() && now < quiet_until_) {
        return;
    }
    table_.settle_change();
    refusals_.expire(now);
    // The ids are copied because a tick may erase any peer.
    std::vector<OriginId> ids;
    for (const auto& [oid, peer] : table_.peers()) {
        ids.push_back(oid);
    }
    const bool alone = !table_.has_session();
    own_.rest_alone(now, alone, out);
    dialler_.begin_tick();
    for (const OriginId oid : ids) {
        if (const auto found = table_.peers().find(oid); found != table_.peers().end()) {
            tick_peer(now, found->second, out);
        }
    }
    // After the peers: a seed without a peer now is dialled again in the same turn.
    seeds_.tick(now, out);
    unmet_notices_.tick(now, seeds_, alone, out);
    own_.tick(now, out);
    refusals_.tick(now, out);
    quiet_until_ = first_deadline();
}

void Membership::tick_peer(Instant now, Peer& peer, Effects& out) {
    dialler_.check_endpoint(now, peer, out);
    if (peer.in_session()) {
        liveness_.tick(now, peer, out);
    } else {
        handshake_.tick(now, peer, out);
    }
}

Instant Membership::next_deadline(Instant horizon) {
    // Peers that are merely heard put their deadlines off, so quiet_until_ may be too early: look again only if that
    // matters.
    if (table_.is_changed() || quiet_until_ < horizon) {
        quiet_until_ = first_deadline();
    }
    return quiet_until_;
}

Instant Membership::first_deadline() const {
    Instant next = refusals_.first_deadline(own_.first_deadline(seeds_.first_deadline(Instant::max())));
    next = unmet_notices_.first_deadline(next);
    const auto consider = [&next](const std::optional<Instant>& at) { next = std::min(next, at.value_or(next)); };
    for (const auto& [oid, peer] : table_.peers()) {
        consider(peer.hello_at);
        consider(peer.give_up_at);
        consider(peer.redial_at);
        consider(peer.check_at);
        consider(liveness_.next_deadline(peer));
    }
    return next;
}

void Membership::stop_dialling(Effects& out) {
    table_.note_change();
    table_.stop_dialling();
    seeds_.stop(out);
}

bool Membership::is_refused() const {
    // A node that has taken us in, and says nothing else since, does not refuse us: its absence is no refusal.
    return refusals_.is_refused() && !seeds_.is_accepted() && !table_.has_session();
}

}  // namespace tulle::mesh
