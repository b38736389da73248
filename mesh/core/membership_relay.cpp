#include <utility>

#include "mesh/core/membership.hpp"

namespace tulle::mesh {
namespace {

/// Handshakes are between two nodes, and one hop is all.
bool may_be_relayed(const ControlBody& body) {
    return !std::holds_alternative<Knock>(body) && !std::holds_alternative<Hello>(body) &&
           !std::holds_alternative<Welcome>(body) && !std::holds_alternative<Refuse>(body) &&
           !std::holds_alternative<Relay>(body);
}

}  // namespace

void Membership::send(OriginId to, ControlBody body, Effects& out) const {
    const Peer* peer = find(to);
    if (peer == nullptr || !peer->bound || !peer->link) {
        return;
    }
    Control message = envelope(*peer, peer->remote_tag, std::move(body));
    if (const Peer* witness = relay_of(*peer)) {
        relay(*witness, {to, std::make_shared<const Control>(std::move(message)), nullptr}, out);
    } else {
        out.push_back(SendControl{*peer->link, std::move(message)});
    }
}

void Membership::send_data(OriginId to, std::variant<FramePtr, Tail> body, Effects& out) const {
    const Peer* peer = find(to);
    if (peer == nullptr || !peer->bound) {
        return;
    }
    Data message{
        .src = options_.oid, .dst = to, .tag = peer->remote_tag, .body = std::move(body), .protocol = peer->protocol};
    if (const Peer* witness = relay_of(*peer)) {
        relay(*witness, {to, nullptr, std::make_shared<const Data>(std::move(message))}, out);
    } else {
        out.push_back(SendData{std::move(message)});
    }
}

void Membership::send_every_way(OriginId to, ControlBody body, Effects& out) const {
    const Peer* peer = find(to);
    if (peer == nullptr || !peer->bound || !peer->link) {
        return;
    }
    Control message = envelope(*peer, peer->remote_tag, std::move(body));
    for (const OriginId via : {peer->route_via, peer->deaf_via}) {
        if (const Peer* witness = usable_witness(via); witness != nullptr) {
            relay(*witness, {to, std::make_shared<const Control>(message), nullptr}, out);
        }
        if (peer->route_via == peer->deaf_via) {
            break;
        }
    }
    out.push_back(SendControl{*peer->link, std::move(message)});
}

const Peer* Membership::relay_of(const Peer& peer) const {
    return usable_witness(peer.route_via);
}

const Peer* Membership::usable_witness(OriginId oid) const {
    const Peer* witness = oid == OriginId{} ? nullptr : find(oid);
    const bool usable = witness != nullptr && witness->state == PeerState::kAlive && witness->link;
    return usable ? witness : nullptr;
}

void Membership::relay(const Peer& witness, Relay what, Effects& out) const {
    out.push_back(SendControl{*witness.link, envelope(witness, witness.remote_tag, std::move(what))});
}

void Membership::forward(const Relay& relay, Effects& out) const {
    const Peer* receiver = find(relay.to);
    if (receiver != nullptr && receiver->state == PeerState::kAlive && receiver->link) {
        ++counters_.relayed;
        out.push_back(SendControl{*receiver->link, envelope(*receiver, receiver->remote_tag, relay)});
    }
}

bool Membership::set_route(OriginId peer, OriginId via) {
    const auto found = peers_.find(peer);
    if (found == peers_.end() || via == peer || via == options_.oid) {
        return false;
    }
    return std::exchange(found->second.route_via, via) != via;
}

bool Membership::on_relayed(Instant now, const Control& message, Effects& out) {
    if (message.dst != options_.oid || !in_relayed_session(now, message.src, message.tag, Way::kControl)) {
        return false;
    }
    if (!may_be_relayed(message.body)) {
        ++counters_.stale;
        return false;
    }
    return !handle(now, message, out);
}

bool Membership::on_relayed(Instant now, const Data& message, Effects&) {
    return message.dst == options_.oid && in_relayed_session(now, message.src, message.tag, Way::kData);
}

bool Membership::in_relayed_session(Instant now, OriginId from, SessionTag tag, Way way) {
    const auto found = peers_.find(from);
    if (found == peers_.end() || !found->second.in_session() || tag != found->second.local_tag) {
        ++counters_.stale;
        return false;
    }
    found->second.last_relayed = now;
    if (way == Way::kControl) {
        found->second.control_heard = now;
    }
    return true;
}

}  // namespace tulle::mesh
