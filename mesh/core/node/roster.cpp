#include "mesh/core/node/roster.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

namespace tulle::mesh {
namespace {

/// True for dead peers and peers that have left.
bool is_gone(const Peer& peer) {
    return peer.state == PeerState::kDead || peer.state == PeerState::kLeft;
}

}  // namespace

MemberStatus Roster::own(Instant now) const {
    const NodeOptions& options = context_.options();
    return {.name = options.name,
            .oid = options.oid,
            .state = serving_.is_retiring() ? "left" : (serving_.is_on() ? "alive" : "joining"),
            .mesh = options.endpoints.control,
            .mesh_data = options.endpoints.data,
            .listen = options.endpoints.listen,
            .version = options.version,
            .uptime_s = pulse_.uptime_s(now),
            .clients = pulse_.clients(),
            .channels = local_.log().size()};
}

std::vector<MemberStatus> Roster::all(Instant now) const {
    std::vector<MemberStatus> members;
    for (const auto& [oid, peer] : membership_.peers()) {
        members.push_back(of(now, peer));
    }
    std::sort(members.begin(), members.end(), [](const MemberStatus& a, const MemberStatus& b) {
        return std::tie(a.name, a.oid) < std::tie(b.name, b.oid);
    });
    return members;
}

void Roster::hide_long_gone(Instant now, std::vector<MemberStatus>& members) const {
    const Timing& timing = context_.timing();
    // For each name: null if a process with the name is here, otherwise the process that went last.
    std::map<std::string_view, const Peer*> of_name{{context_.options().name, nullptr}};
    std::set<std::string_view> living;
    for (const auto& [oid, peer] : membership_.peers()) {
        if (peer.in_session()) {
            of_name[peer.name] = nullptr;
            living.insert(peer.endpoints.control);
        } else if (is_gone(peer)) {
            const auto [known, is_new] = of_name.emplace(peer.name, &peer);
            if (!is_new && known->second != nullptr && known->second->dead_since <= peer.dead_since) {
                known->second = &peer;
            }
        }
    }
    std::erase_if(members, [&](const MemberStatus& member) {
        const Peer& peer = *membership_.find(member.oid);
        // A configured peer is expected, so its absence is shown for as long as it lasts. A node of another name at its
        // endpoint has taken its place.
        if (peer.state == PeerState::kDead && of_name.at(peer.name) == &peer &&
            membership_.seeds().is_configured(peer) && !living.contains(peer.endpoints.control)) {
            return false;
        }
        // Two ends, two times: an alert must see a death, and nobody needs to see a farewell for long.
        const Duration most = peer.state == PeerState::kLeft ? timing.left_shown : timing.dead_shown;
        return is_gone(peer) && (of_name.at(peer.name) != &peer || now - peer.dead_since >= most);
    });
}

MemberStatus Roster::of(Instant now, const Peer& peer) const {
    MemberStatus member{.name = peer.name,
                        .oid = peer.oid,
                        .state = to_text(peer.state),
                        .mesh = peer.endpoints.control,
                        .mesh_data = peer.endpoints.data,
                        .listen = peer.endpoints.listen,
                        .version = peer.version,
                        .name_conflict = peer.name_conflict};
    if (const Tally* tally = tallies_.find(peer.oid)) {
        member.gaps = tally->gaps;
        member.repaired = tally->repaired;
        member.rtt_us = tally->rtt_us;
        member.sessions = tally->sessions;
        member.uptime_s = tally->load.uptime_s;
        member.clients = tally->load.clients;
        member.channels = tally->load.channels;
    }
    if (const Session* stands = context_.sessions().find(peer.oid)) {
        // The tally has the former sessions; the standing session still counts by itself.
        member.gaps += stands->data.receiver.holes();
        member.repaired += stands->data.receiver.repaired();
        member.session = session(now, peer, *stands);
    }
    return member;
}

SessionStatus Roster::session(Instant now, const Peer& peer, const Session& session) const {
    const InterestSlot slot = session.interest.slot;
    // Without the lower halves of the tags: a reader of the whole tags could speak in the session.
    SessionStatus status{.tag = peer.local_tag.value >> 32,
                         .peer_tag = peer.remote_tag.value >> 32,
                         .protocol = peer.protocol,
                         .interest_known = session.interest.synced,
                         .interest_version = interest_.version(slot).value_or(InterestVersion{}).value,
                         .interest_digest = interest_.digest(slot),
                         .acked_version = session.interest.feed.acked().value,
                         .data_silent_ms = static_cast<std::uint64_t>((now - session.data.heard_at) / 1ms)};
    if (peer.deaf_via != OriginId{}) {
        status.heard_via = context_.name_of(peer.deaf_via);
    }
    if (peer.route_via != OriginId{}) {
        status.hears_via = context_.name_of(peer.route_via);
    }
    if (const Tally* tally = tallies_.find(peer.oid)) {
        status.clock_offset_us = tally->clock.offset_us;
        status.clock_error_us = tally->clock.error_us;
    }
    return status;
}

}  // namespace tulle::mesh
