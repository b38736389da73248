#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>

#include "mesh/core/mesh_node.hpp"

namespace tulle::mesh {
namespace {

bool is_gone(const Peer& peer) {
    return peer.state == PeerState::kDead || peer.state == PeerState::kLeft;
}

}  // namespace

NodeStatus MeshNode::status(Instant now) const {
    NodeStatus status;
    status.ready = ready_;
    status.interest_version = local_.log().version().value;
    status.interest_digest = local_.log().digest();
    status.self = own_status(now);
    for (const auto& [oid, peer] : membership_.peers()) {
        status.members.push_back(member_status(now, peer));
    }
    std::sort(status.members.begin(), status.members.end(), [](const MemberStatus& a, const MemberStatus& b) {
        return std::tie(a.name, a.oid) < std::tie(b.name, b.oid);
    });
    status.configured = membership_.configured();
    status.met = membership_.met();
    status.refused = membership_.is_refused();
    status.deaf = membership_.is_deaf();
    for (const Membership::Refused& refused : membership_.refusals()) {
        status.refusals.push_back({refused.by_us, refused.name, refused.endpoint, to_text(refused.reason), refused.text,
                                   refused.count, static_cast<std::uint64_t>((now - refused.last) / 1ms)});
    }
    add_counters(status);  // over all members: a counter does not fall when one is no longer shown
    add_gauges(status);
    hide_long_gone(now, status.members);
    return status;
}

void MeshNode::hide_long_gone(Instant now, std::vector<MemberStatus>& members) const {
    // null: it is here; else who of them went last
    std::map<std::string_view, const Peer*> of_name{{options_.name, nullptr}};
    for (const auto& [oid, peer] : membership_.peers()) {
        if (peer.in_session()) {
            of_name[peer.name] = nullptr;
        } else if (is_gone(peer)) {
            const auto [known, is_new] = of_name.emplace(peer.name, &peer);
            if (!is_new && known->second != nullptr && known->second->dead_since <= peer.dead_since) {
                known->second = &peer;
            }
        }
    }
    std::erase_if(members, [&](const MemberStatus& member) {
        const Peer& peer = *membership_.find(member.oid);
        if (peer.state == PeerState::kDead && of_name.at(peer.name) == &peer && membership_.is_configured(peer)) {
            return false;  // it is expected, so it is missed for as long as it is away
        }
        const Duration most = peer.state == PeerState::kLeft ? options_.timing.left_shown : options_.timing.dead_shown;
        return is_gone(peer) && (of_name.at(peer.name) != &peer || now - peer.dead_since >= most);
    });
}

MemberStatus MeshNode::own_status(Instant now) const {
    MemberStatus self{.name = options_.name,
                      .oid = options_.oid,
                      .state = tell_by_ ? "left" : (ready_ ? "alive" : "joining"),
                      .mesh = options_.endpoints.control,
                      .mesh_data = options_.endpoints.data,
                      .listen = options_.endpoints.listen,
                      .version = options_.version,
                      .uptime_s = static_cast<std::uint64_t>((now - started_) / 1s),
                      .channels = local_.log().size()};
    for (const auto& [shard, clients] : clients_) {
        self.clients += clients;
    }
    return self;
}

MemberStatus MeshNode::member_status(Instant now, const Peer& peer) const {
    MemberStatus member{.name = peer.name,
                        .oid = peer.oid,
                        .state = to_text(peer.state),
                        .mesh = peer.endpoints.control,
                        .mesh_data = peer.endpoints.data,
                        .listen = peer.endpoints.listen,
                        .version = peer.version,
                        .name_conflict = peer.name_conflict};
    if (const auto tally = tallies_.find(peer.oid); tally != tallies_.end()) {
        member.gaps = tally->second.gaps;
        member.repaired = tally->second.repaired;
        member.rtt_us = tally->second.rtt_us;
        member.sessions = tally->second.sessions;
        member.uptime_s = tally->second.load.uptime_s;
        member.clients = tally->second.load.clients;
        member.channels = tally->second.load.channels;
    }
    if (const auto link = links_.find(peer.oid); link != links_.end()) {
        member.gaps += link->second.receiver.holes();
        member.repaired += link->second.receiver.repaired();
        member.session = session_status(now, peer, link->second);
    }
    return member;
}

SessionStatus MeshNode::session_status(Instant now, const Peer& peer, const Link& link) const {
    // Not the lower halves of the tags: whoever knows them can speak in the session.
    SessionStatus session{.tag = peer.local_tag.value >> 32,
                          .peer_tag = peer.remote_tag.value >> 32,
                          .protocol = peer.protocol,
                          .interest_known = link.synced,
                          .interest_version = table_.version(link.slot).value_or(InterestVersion{}).value,
                          .interest_digest = table_.digest(link.slot),
                          .acked_version = link.feed.acked().value,
                          .data_silent_ms = static_cast<std::uint64_t>((now - link.data_heard_at) / 1ms)};
    if (peer.deaf_via != OriginId{}) {
        session.heard_via = name_of(peer.deaf_via);
    }
    if (peer.route_via != OriginId{}) {
        session.hears_via = name_of(peer.route_via);
    }
    if (const auto tally = tallies_.find(peer.oid); tally != tallies_.end()) {
        session.clock_offset_us = tally->second.clock.offset_us;
        session.clock_error_us = tally->second.clock.error_us;
    }
    return session;
}

void MeshNode::add_counters(NodeStatus& status) const {
    Counters sum = counters_;
    for (const auto& [oid, link] : links_) {
        sum.duplicates += link.receiver.duplicates();
        sum.gone += link.sender.gone();
        sum.repeated += link.sender.repeated();
    }
    std::uint64_t gaps = forgotten_.gaps;
    std::uint64_t repaired = forgotten_.repaired;
    for (const MemberStatus& member : status.members) {
        gaps += member.gaps;
        repaired += member.repaired;
    }
    const MembershipCounters& m = membership_.counters();
    status.counters = {{"mesh_published", sum.published},
                       {"mesh_publish_refused", sum.publish_refused},
                       {"mesh_records_received", sum.delivered_remote},
                       {"mesh_records_sent", sum.records_sent},
                       {"mesh_frames_sent", sum.frames_sent},
                       {"mesh_frames_received", sum.frames_received},
                       {"mesh_frames_repeated", sum.repeated},
                       {"mesh_tails_sent", sum.tails_sent},
                       {"mesh_nacks_sent", sum.nacks_sent},
                       {"mesh_gaps", gaps},
                       {"mesh_gaps_repaired", repaired},
                       {"mesh_records_gone", sum.gone},
                       {"mesh_duplicates_dropped", sum.duplicates},
                       {"mesh_barrier_waits", barrier_.waits()},
                       {"mesh_digest_mismatches", sum.digest_mismatches},
                       {"mesh_data_redials", sum.data_redials},
                       {"mesh_presence_changes", sum.presence_changes},
                       {"mesh_last_events_evicted", kept_.evicted()},
                       {"mesh_duty_reports_sent", duties_.tally().reports_sent},
                       {"mesh_duty_mails_sent", duties_.tally().mails_sent},
                       {"mesh_duty_changes", duties_.tally().changes},
                       {"mesh_duty_revoked", duties_.tally().revoked},
                       {"mesh_duty_tasks", duties_.tally().tasks},
                       {"mesh_duty_tasks_refused", duties_.tally().tasks_refused},
                       {"mesh_duty_counts_refused", duties_.tally().counts_refused},
                       {"mesh_duty_impatient", duties_.tally().impatient},
                       {"mesh_late_turns", sum.late_turns},
                       {"mesh_sleeps", sum.sleeps},
                       {"mesh_relayed", m.relayed},
                       {"mesh_filled_in", reconcile_.filled()},
                       {"mesh_suspicions", m.suspicions},
                       {"mesh_false_suspicions", m.false_suspicions},
                       {"mesh_deaths", m.deaths},
                       {"mesh_reconnects", m.reconnects},
                       {"mesh_sessions", m.sessions},
                       {"mesh_newcomers_refused", m.refused},
                       {"mesh_stale_messages", m.stale},
                       {"mesh_newcomers_put_off", m.put_off},
                       {"mesh_names_ignored", m.names_ignored},
                       {"mesh_control_redials", m.control_redials},
                       {"mesh_control_deaths", m.control_deaths},
                       {"mesh_stuck_deaths", m.stuck_deaths}};
}

MeshNode::MemoryUse MeshNode::memory_use() const {
    MemoryUse use{.ring = ring_.bytes(),
                  .receive_ring = reconcile_.largest_ring(),
                  .kept = kept_.bytes(),
                  .interest = local_.size(),
                  .interest_pending = local_.pending(),
                  .waiting = barrier_.size()};
    for (const auto& [channel, waiting] : untold_) {
        use.waiting += waiting.size();
    }
    for (const auto& [oid, link] : links_) {
        use.unreceipted = std::max(use.unreceipted, link.sender.unreceipted_bytes());
        use.held = std::max(use.held, link.receiver.held_bytes());
    }
    return use;
}

void MeshNode::add_gauges(NodeStatus& status) const {
    std::uint64_t alive = 1;
    std::uint64_t unreceipted = 0;
    std::uint64_t held = 0;
    for (const auto& [oid, peer] : membership_.peers()) {
        alive += peer.state == PeerState::kAlive ? 1 : 0;
    }
    for (const auto& [oid, link] : links_) {
        unreceipted += link.sender.unreceipted_bytes();
        held += link.receiver.held_bytes();
    }
    status.gauges = {{"mesh_members_alive", alive},
                     {"mesh_protocol", membership_.common_protocol()},
                     {"mesh_ring_bytes", ring_.bytes()},
                     {"mesh_unreceipted_bytes", unreceipted},
                     {"mesh_held_bytes", held},
                     {"mesh_interest_channels", local_.log().size()},
                     {"mesh_interest_pending", local_.pending()},
                     {"mesh_subscriptions_waiting", barrier_.size()},
                     {"mesh_presence_users", presence_.users()},
                     {"mesh_last_events", kept_.size()},
                     {"mesh_last_event_bytes", kept_.bytes()},
                     {"mesh_duty_items", duties_.items()},
                     {"mesh_duty_items_done_here", duties_.duties()},
                     {"mesh_duty_tasks_waiting", duties_.tasks_waiting()},
                     {"mesh_remote_channels", table_.channels()}};
}

}  // namespace tulle::mesh
