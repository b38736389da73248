#include "mesh/core/session/peer_sender.hpp"

#include <utility>

namespace tulle::mesh {

void PeerSender::send(OriginId to, ControlBody body, Effects& out) const {
    const Peer* peer = table_.find(to);
    if (peer == nullptr || !peer->bound || !peer->connection) {
        return;
    }
    Control message = table_.envelope(*peer, peer->remote_tag, std::move(body));
    // The direct way does not reach the peer, by the peer's own word.
    if (const Peer* witness = relay_of(*peer)) {
        relay(*witness, {to, std::make_shared<const Control>(std::move(message)), nullptr}, out);
    } else {
        out.push_back(SendControl{*peer->connection, std::move(message)});
    }
}

void PeerSender::send_data(OriginId to, std::variant<FramePtr, Tail> body, Effects& out) const {
    const Peer* peer = table_.find(to);
    if (peer == nullptr || !peer->bound) {
        return;
    }
    Data message{.src = table_.options().oid,
                 .dst = to,
                 .tag = peer->remote_tag,
                 .body = std::move(body),
                 .protocol = peer->protocol};
    if (const Peer* witness = relay_of(*peer)) {
        relay(*witness, {to, nullptr, std::make_shared<const Data>(std::move(message))}, out);
    } else {
        out.push_back(SendData{std::move(message)});
    }
}

void PeerSender::send_every_way(OriginId to, ControlBody body, Effects& out) const {
    const Peer* peer = table_.find(to);
    if (peer == nullptr || !peer->bound || !peer->connection) {
        return;
    }
    Control message = table_.envelope(*peer, peer->remote_tag, std::move(body));
    // route_via carries our words to the peer; deaf_via carries the peer's words to us, and shows the peer that we
    // listen.
    for (const OriginId via : {peer->route_via, peer->deaf_via}) {
        if (const Peer* witness = usable_witness(via); witness != nullptr) {
            relay(*witness, {to, std::make_shared<const Control>(message), nullptr}, out);
        }
        // A single witness for both directions gets one copy.
        if (peer->route_via == peer->deaf_via) {
            break;
        }
    }
    out.push_back(SendControl{*peer->connection, std::move(message)});
}

const Peer* PeerSender::relay_of(const Peer& peer) const {
    return usable_witness(peer.route_via);
}

const Peer* PeerSender::usable_witness(OriginId oid) const {
    const Peer* witness = oid == OriginId{} ? nullptr : table_.find(oid);
    const bool usable = witness != nullptr && witness->state == PeerState::kAlive && witness->connection;
    return usable ? witness : nullptr;
}

void PeerSender::relay(const Peer& witness, Relay what, Effects& out) const {
    out.push_back(SendControl{*witness.connection, table_.envelope(witness, witness.remote_tag, std::move(what))});
}

void PeerSender::forward(const Relay& relay, Effects& out) {
    const Peer* receiver = table_.find(relay.to);
    // Only to a peer that we hear ourselves: otherwise a message could wander through the mesh.
    if (receiver != nullptr && receiver->state == PeerState::kAlive && receiver->connection) {
        ++table_.counters().relayed;
        out.push_back(SendControl{*receiver->connection, table_.envelope(*receiver, receiver->remote_tag, relay)});
    }
}

bool PeerSender::set_route(OriginId peer, OriginId via) {
    const auto found = table_.peers().find(peer);
    if (found == table_.peers().end() || via == peer || via == table_.options().oid) {
        return false;
    }
    return std::exchange(found->second.route_via, via) != via;
}

bool PeerSender::in_relayed_session(Instant now, OriginId from, SessionTag tag, Way way) {
    const auto found = table_.peers().find(from);
    if (found == table_.peers().end() || !found->second.in_session() || tag != found->second.local_tag) {
        ++table_.counters().stale;
        return false;
    }
    // last_heard stays: a relayed message does not prove the direct way.
    if (way == Way::kControl) {
        found->second.control_heard = now;
    }
    return true;
}

}  // namespace tulle::mesh
