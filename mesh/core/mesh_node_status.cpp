#include <algorithm>

#include "mesh/core/mesh_node.hpp"

namespace tulle::mesh {

NodeStatus MeshNode::status(Instant now) const {
    NodeStatus status;
    status.ready = ready_;
    status.self = {.name = options_.name,
                   .oid = options_.oid,
                   .state = leave_by_ ? "leaving" : (ready_ ? "alive" : "joining"),
                   .mesh = options_.endpoints.control,
                   .mesh_data = options_.endpoints.data,
                   .listen = options_.endpoints.listen,
                   .version = options_.version,
                   .uptime_s = static_cast<std::uint64_t>((now - started_) / 1s),
                   .channels = local_.log().size()};
    for (const auto& [shard, clients] : clients_) {
        status.self.clients += clients;
    }
    std::uint64_t gaps = 0;
    std::uint64_t repaired = 0;
    std::uint64_t duplicates = counters_.duplicates;
    std::uint64_t gone = counters_.gone;
    std::uint64_t repeated = counters_.repeated;
    std::uint64_t alive = 1;
    std::uint64_t unreceipted = 0;
    std::uint64_t held = 0;
    for (const auto& [oid, peer] : membership_.peers()) {
        MemberStatus member{.name = peer.name,
                            .oid = oid,
                            .state = to_text(peer.state),
                            .mesh = peer.endpoints.control,
                            .mesh_data = peer.endpoints.data,
                            .listen = peer.endpoints.listen,
                            .version = peer.version,
                            .name_conflict = peer.name_conflict};
        if (const auto tally = tallies_.find(oid); tally != tallies_.end()) {
            member.gaps = tally->second.gaps;
            member.repaired = tally->second.repaired;
            member.rtt_us = tally->second.rtt_us;
            member.uptime_s = tally->second.load.uptime_s;
            member.clients = tally->second.load.clients;
            member.channels = tally->second.load.channels;
        }
        if (const auto link = links_.find(oid); link != links_.end()) {
            member.gaps += link->second.receiver.holes();
            member.repaired += link->second.receiver.repaired();
            duplicates += link->second.receiver.duplicates();
            gone += link->second.sender.gone();
            repeated += link->second.sender.repeated();
            unreceipted += link->second.sender.unreceipted_bytes();
            held += link->second.receiver.held_bytes();
        }
        alive += peer.state == PeerState::kAlive ? 1 : 0;
        gaps += member.gaps;
        repaired += member.repaired;
        status.members.push_back(std::move(member));
    }
    std::sort(status.members.begin(), status.members.end(), [](const MemberStatus& a, const MemberStatus& b) {
        return std::tie(a.name, a.oid) < std::tie(b.name, b.oid);
    });
    const MembershipCounters& m = membership_.counters();
    status.counters = {{"mesh_published", counters_.published},
                       {"mesh_publish_refused", counters_.publish_refused},
                       {"mesh_records_received", counters_.delivered_remote},
                       {"mesh_records_sent", counters_.records_sent},
                       {"mesh_frames_sent", counters_.frames_sent},
                       {"mesh_frames_received", counters_.frames_received},
                       {"mesh_frames_repeated", repeated},
                       {"mesh_tails_sent", counters_.tails_sent},
                       {"mesh_nacks_sent", counters_.nacks_sent},
                       {"mesh_gaps", gaps},
                       {"mesh_gaps_repaired", repaired},
                       {"mesh_records_gone", gone},
                       {"mesh_duplicates_dropped", duplicates},
                       {"mesh_barrier_waits", barrier_.waits()},
                       {"mesh_digest_mismatches", counters_.digest_mismatches},
                       {"mesh_data_redials", counters_.data_redials},
                       {"mesh_late_turns", counters_.late_turns},
                       {"mesh_suspicions", m.suspicions},
                       {"mesh_false_suspicions", m.false_suspicions},
                       {"mesh_deaths", m.deaths},
                       {"mesh_reconnects", m.reconnects},
                       {"mesh_sessions", m.sessions},
                       {"mesh_newcomers_refused", m.refused},
                       {"mesh_stale_messages", m.stale}};
    status.gauges = {{"mesh_members_alive", alive},
                     {"mesh_ring_bytes", ring_.bytes()},
                     {"mesh_unreceipted_bytes", unreceipted},
                     {"mesh_held_bytes", held},
                     {"mesh_interest_channels", local_.log().size()},
                     {"mesh_remote_channels", table_.channels()}};
    return status;
}

}  // namespace tulle::mesh
