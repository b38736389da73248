#include "mesh/core/session/dialler.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {

// The constants of numbers.hpp rely on each other in these ways.
static_assert(Timing{}.redial_min <= Timing{}.redial_seed_max && Timing{}.redial_seed_max <= Timing{}.redial_max);
static_assert(Timing{}.hello_retry < Timing{}.handshake, "a lost Hello is repeated in time");
static_assert(Limits{}.handshakes_reserved < Limits{}.handshakes);
static_assert(Limits{}.handshakes_at_endpoint <= Limits{}.handshakes_named);

void Dialler::open_connection(Instant now, Peer& peer, Effects& out) {
    peer.connection = table_.fresh_connection();
    peer.connection_up = false;
    out.push_back(OpenConnection{*peer.connection, peer.endpoints.control});
    // A peer that has just spoken to us is surely there, so its endpoint needs no check.
    if (!peer.spoke_to_us || peer.state == PeerState::kDead) {
        peer.check_at = now + table_.timing().endpoint_check;
        out.push_back(CheckEndpoint{*peer.connection, peer.endpoints.control});
    }
}

void Dialler::close_connection(Peer& peer, Effects& out) {
    if (peer.connection) {
        out.push_back(CloseConnection{*peer.connection});
    }
    peer.connection.reset();
    peer.connection_up = false;
    peer.connection_lost = false;
    peer.check_at.reset();
    peer.hello_at.reset();
    peer.welcome_on_up.reset();
}

void Dialler::ask_who_is_there(Peer& peer, Effects& out) {
    TULLE_ASSERT(peer.connection);
    // Zero means "no nonce" in Refuse::echo, so the lowest bit is always set.
    peer.place_nonce = table_.secret() | 1;
    Knock body{.who = table_.introduction(), .dialled = {}, .nonce = peer.place_nonce};
    out.push_back(
        SendControl{*peer.connection, {.src = table_.options().oid, .dst = {}, .tag = {}, .body = std::move(body)}});
}

void Dialler::give_up(Instant now, Peer& peer, Effects& out) {
    TULLE_ASSERT(!peer.in_session());
    table_.end_session(peer, peer.state);
    close_connection(peer, out);
    if (!peer.was_alive) {
        // The node can knock again, or be named again.
        table_.peers().erase(peer.oid);
        return;
    }
    if (peer.has_left) {
        // The peer said goodbye earlier and did not answer now: the goodbye was true.
        peer.state = PeerState::kLeft;
        peer.dead_since = now;
        return;
    }
    peer.state = PeerState::kDead;
    redial_later(now, peer);
}

void Dialler::redial_later(Instant now, Peer& peer) {
    peer.backoff = std::clamp(2 * peer.backoff, table_.timing().redial_min, table_.timing().redial_max);
    peer.redial_at = now + table_.jittered(peer.backoff);
    peer.give_up_at.reset();
}

bool Dialler::may_dial(const std::string& endpoint, bool spoke) {
    // `all`: connections of the same kind (spoken to us or only named). `there`: connections of both kinds to the
    // endpoint. Former members do not count: their number is bounded by the table, and they must not be locked out.
    std::size_t all = 0;
    std::size_t there = 0;
    for (const auto& [oid, peer] : table_.peers()) {
        if (peer.connection && !peer.was_alive) {
            all += peer.spoke_to_us == spoke ? 1u : 0u;
            there += peer.endpoints.control == endpoint ? 1u : 0u;
        }
    }
    const Limits& limits = table_.limits();
    if (!spoke) {
        named_full_ = all >= limits.handshakes_named;
        return !named_full_ && there < limits.handshakes_at_endpoint;
    }
    // Strangers at unknown endpoints can't use up the reserved part, so known endpoints always find a place.
    const std::size_t most = limits.handshakes - (is_expected_at(endpoint) ? 0 : limits.handshakes_reserved);
    return all < most && there < limits.handshakes_at_endpoint;
}

bool Dialler::may_name(Instant now, OriginId by) {
    const auto found = table_.peers().find(by);
    if (found == table_.peers().end()) {
        return false;
    }
    Peer& peer = found->second;
    const std::uint32_t most = table_.limits().names_per_peer;
    // The first name of this peer: start with a full budget.
    if (peer.names_at == Instant{}) {
        peer.names_left = most;
        peer.names_at = now;
    }
    // Refill by a name for each whole second since the last refill.
    if (const auto seconds = (now - peer.names_at) / 1s; seconds > 0) {
        peer.names_left =
            std::min(most, peer.names_left + static_cast<std::uint32_t>(std::min<std::int64_t>(seconds, most)));
        peer.names_at = now;
    }
    if (peer.names_left == 0) {
        ++table_.counters().names_ignored;
        return false;
    }
    --peer.names_left;
    return true;
}

// The victim is the peer that has been gone longest, or else a peer known by name only: both can be met again.
bool Dialler::make_room(Effects& out) {
    if (table_.peers().size() < kMaxMembers) {
        return true;
    }
    auto oldest = table_.peers().end();
    auto named = table_.peers().end();
    for (auto it = table_.peers().begin(); it != table_.peers().end(); ++it) {
        const bool gone = it->second.state == PeerState::kDead || it->second.state == PeerState::kLeft;
        if (gone && (oldest == table_.peers().end() || it->second.dead_since < oldest->second.dead_since)) {
            oldest = it;
        } else if (it->second.state == PeerState::kJoining && !it->second.spoke_to_us && !it->second.was_alive) {
            named = it;
        }
    }
    const auto victim = oldest != table_.peers().end() ? oldest : named;
    if (victim == table_.peers().end()) {
        return false;
    }
    table_.gate().member_gone(victim->first);
    TULLE_ASSERT(!victim->second.in_session());
    close_connection(victim->second, out);
    table_.peers().erase(victim);
    TULLE_ASSERT(table_.peers().size() < kMaxMembers);
    return true;
}

bool Dialler::is_expected_at(const std::string& endpoint) const {
    return seeds_.expects(endpoint) ||
           std::any_of(table_.peers().begin(), table_.peers().end(), [&](const auto& entry) {
               return entry.second.was_alive && entry.second.endpoints.control == endpoint;
           });
}

void Dialler::on_connection_down(Instant now, Peer& peer, Effects& out) {
    TULLE_ASSERT(peer.connection);
    peer.connection_up = false;
    // `connection_lost` stays set until the peer is heard after a reconnect: another process may answer there.
    peer.connection_lost = true;
    peer.check_at = now + table_.timing().endpoint_check;
    out.push_back(CheckEndpoint{*peer.connection, peer.endpoints.control});
}

void Dialler::check_endpoint(Instant now, Peer& peer, Effects& out) {
    if (peer.check_at && *peer.check_at <= now && peer.connection) {
        peer.check_at = now + table_.timing().endpoint_check;
        out.push_back(CheckEndpoint{*peer.connection, peer.endpoints.control});
    }
}

void Dialler::tick(Instant now, Peer& peer, Effects& out) {
    TULLE_ASSERT(!peer.in_session());
    if (!peer.redial_at || *peer.redial_at > now) {
        return;
    }
    // `named_full_` spares a count of all peers for each named peer in the same turn.
    const bool waits = named_full_ && !peer.spoke_to_us;
    if (!peer.was_alive && table_.is_dialling() && (waits || !may_dial(peer.endpoints.control, peer.spoke_to_us))) {
        // No place is free: look again shortly. Former members never wait.
        peer.redial_at = now + table_.timing().endpoint_check;
        return;
    }
    peer.redial_at.reset();
    if ((!peer.was_alive || now - peer.dead_since < table_.timing().redial_for) && table_.is_dialling()) {
        peer.give_up_at = now + table_.timing().handshake;
        open_connection(now, peer, out);
    }
}

}  // namespace tulle::mesh
