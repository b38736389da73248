#include "mesh/core/session/peer_table.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"

namespace tulle::mesh {

const Peer* PeerTable::find(OriginId oid) const {
    const auto found = peers_.find(oid);
    return found == peers_.end() ? nullptr : &found->second;
}

Peer* PeerTable::of_connection(ConnectionId connection) {
    const auto found =
        std::find_if(peers_.begin(), peers_.end(), [&](const auto& p) { return p.second.connection == connection; });
    return found == peers_.end() ? nullptr : &found->second;
}

bool PeerTable::has_session() const {
    return std::any_of(peers_.begin(), peers_.end(), [](const auto& entry) { return entry.second.in_session(); });
}

std::vector<MemberInfo> PeerTable::members() const {
    std::vector<MemberInfo> members;
    for (const auto& [oid, peer] : peers_) {
        // A node known by hearsay alone is not passed on: a false name would live for ever.
        if (peer.in_session() || (peer.state == PeerState::kJoining && peer.spoke_to_us)) {
            members.push_back({oid, peer.name, peer.endpoints});
        }
    }
    return members;
}

std::uint32_t PeerTable::common_protocol() const {
    // A node without peers is bound by its own version alone.
    std::uint32_t common = options_.newest_protocol;
    for (const auto& [oid, peer] : peers_) {
        common = peer.in_session() ? std::min(common, peer.protocol) : common;
    }
    return common;
}

void PeerTable::begin_session(Peer& peer) {
    TULLE_ASSERT(peer.local_tag != SessionTag{});
    // A newer session in place of an older one leaves the view as it is.
    digest_ ^= peer.in_session() ? 0 : peer.oid.value;
    peer.state = PeerState::kAlive;
    ++counters_.sessions;
}

void PeerTable::end_session(Peer& peer, PeerState state) {
    // All state of the attempt is void: tags, timers, questions to witnesses, ways round.
    const bool stood = peer.in_session();
    peer.state = state;
    peer.bound = false;
    peer.local_tag = {};
    peer.remote_tag = {};
    peer.hello_at.reset();
    peer.give_up_at.reset();
    peer.probe.forget();
    peer.deaf_via = {};
    peer.route_via = {};
    peer.check_at.reset();
    if (stood) {
        digest_ ^= peer.oid.value;
        tell(SessionDown{peer.oid, state});
    }
}

Introduction PeerTable::introduction() const {
    return {.cluster = options_.cluster,
            .name = options_.name,
            .version = options_.version,
            .endpoints = options_.endpoints,
            .oldest_protocol = kOldestProtocolVersion,
            .newest_protocol = options_.newest_protocol,
            .ready = is_ready_};
}

Control PeerTable::envelope(const Peer& peer, SessionTag tag, ControlBody body) const {
    return {.src = options_.oid, .dst = peer.oid, .tag = tag, .body = std::move(body), .protocol = peer.protocol};
}

Duration PeerTable::jittered(Duration d) {
    // Jitter keeps nodes that lost each other at the same moment from dialling at the same moment.
    return d * 3 / 4 + Duration{static_cast<Duration::rep>(prng_.below(static_cast<std::uint64_t>(d.count() / 2) + 1))};
}

}  // namespace tulle::mesh
