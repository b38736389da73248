#include <algorithm>
#include <utility>

#include "mesh/core/node/mesh_node.hpp"

// The state of a node as people see it: `status` and the metrics.
namespace tulle::mesh {
namespace {

SeedStatus status_of(Instant now, SeedView&& seed) {
    SeedStatus status{.endpoint = std::move(seed.endpoint), .name = std::move(seed.name)};
    if (seed.state == SeedView::State::kUnmet) {
        status.state = "unmet";
        status.reason = to_text(seed.reason);
        status.text = std::move(seed.text);
        status.since_ms = static_cast<std::uint64_t>((now - seed.since.value_or(now)) / 1ms);
        status.attempts = seed.attempts;
    } else {
        status.state = seed.state == SeedView::State::kMet ? "met" : "self";
    }
    return status;
}

}  // namespace

NodeStatus MeshNode::status(Instant now) const {
    NodeStatus status;
    status.ready = serving_.is_on();
    status.interest_version = stores_.local.log().version().value;
    status.interest_digest = stores_.local.log().digest();
    status.self = roster_.own(now);
    status.members = roster_.all(now);
    status.configured = membership_.seeds().configured();
    status.met = membership_.seeds().met();
    for (SeedView& seed : membership_.seeds().views()) {
        status.seeds.push_back(status_of(now, std::move(seed)));
    }
    status.refused = membership_.is_refused();
    status.deaf = membership_.is_deaf();
    for (const Membership::Refused& refused : membership_.refusals()) {
        status.refusals.push_back({refused.by_us, refused.name, refused.endpoint, to_text(refused.reason), refused.text,
                                   refused.count, static_cast<std::uint64_t>((now - refused.last) / 1ms)});
    }
    // The counters sum over all members, before some are hidden: a counter must not fall when a member is no longer
    // shown.
    add_counters(status);
    add_gauges(status);
    roster_.hide_long_gone(now, status.members);
    return status;
}

void MeshNode::add_counters(NodeStatus& status) const {
    const Streams::Counters streams = streams_.counters();
    // Members that are no longer known live on in the sums of the tallies.
    std::uint64_t gaps = stores_.tallies.forgotten().gaps;
    std::uint64_t repaired = stores_.tallies.forgotten().repaired;
    for (const MemberStatus& member : status.members) {
        gaps += member.gaps;
        repaired += member.repaired;
    }
    const MembershipCounters& m = membership_.counters();
    const Duties::Tally& duty = duties().tally();
    status.counters = {{"mesh_published", publisher_.accepted()},
                       {"mesh_publish_refused", publisher_.refused()},
                       {"mesh_publish_acknowledged", acknowledger_.acknowledged()},
                       {"mesh_publish_few_copies", acknowledger_.given_up()},
                       {"mesh_records_received", arrivals_.received()},
                       {"mesh_records_sent", streams.records_sent},
                       {"mesh_frames_sent", streams.frames_sent},
                       {"mesh_frames_received", streams.frames_received},
                       {"mesh_frames_repeated", streams.repeated},
                       {"mesh_tails_sent", streams.tails_sent},
                       {"mesh_nacks_sent", streams.nacks_sent},
                       {"mesh_gaps", gaps},
                       {"mesh_gaps_repaired", repaired},
                       {"mesh_records_gone", streams.gone + recovery_.gone()},
                       {"mesh_duplicates_dropped", streams.duplicates},
                       {"mesh_barrier_waits", subscriptions_.waits()},
                       {"mesh_digest_mismatches", interest_.mismatches()},
                       {"mesh_data_redials", streams.data_redials},
                       {"mesh_presence_changes", presence_.changes()},
                       {"mesh_retained_events_evicted", stores_.retained.evicted()},
                       {"mesh_history_evicted_by_size", history_.table().evicted().by_size},
                       {"mesh_history_evicted_by_bytes", history_.table().evicted().by_bytes},
                       {"mesh_history_evicted_by_age", history_.table().evicted().by_ttl},
                       {"mesh_history_evicted_by_node", history_.table().evicted().by_node},
                       {"mesh_duty_reports_sent", duty.reports_sent},
                       {"mesh_duty_mails_sent", duty.mails_sent},
                       {"mesh_duty_changes", duty.changes},
                       {"mesh_duty_revoked", duty.revoked},
                       {"mesh_duty_tasks", duty.tasks},
                       {"mesh_duty_tasks_refused", duty.tasks_refused},
                       {"mesh_duty_counts_refused", duty.counts_refused},
                       {"mesh_duty_impatient", duty.impatient},
                       {"mesh_late_turns", sleep_.late_turns()},
                       {"mesh_sleeps", sleep_.sleeps()},
                       {"mesh_relayed", m.relayed},
                       {"mesh_filled_in", recovery_.filled()},
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
    MemoryUse use{.ring = stores_.ring.bytes(),
                  .receive_ring = recovery_.largest_ring(),
                  .retained = stores_.retained.bytes(),
                  .interest = stores_.local.size(),
                  .interest_pending = stores_.local.pending(),
                  .waiting = subscriptions_.waiting()};
    for (const auto& [oid, session] : sessions_) {
        use.unreceipted = std::max(use.unreceipted, session.data.sender.unreceipted_bytes());
        use.held = std::max(use.held, session.data.receiver.held_bytes());
    }
    return use;
}

void MeshNode::add_gauges(NodeStatus& status) const {
    // The node itself is alive.
    std::uint64_t alive = 1;
    std::uint64_t unreceipted = 0;
    std::uint64_t held = 0;
    for (const auto& [oid, peer] : membership_.peers()) {
        alive += peer.state == PeerState::kAlive ? 1 : 0;
    }
    for (const auto& [oid, session] : sessions_) {
        unreceipted += session.data.sender.unreceipted_bytes();
        held += session.data.receiver.held_bytes();
    }
    status.gauges = {{"mesh_members_alive", alive},
                     {"mesh_protocol", membership_.common_protocol()},
                     {"mesh_ring_bytes", stores_.ring.bytes()},
                     {"mesh_unreceipted_bytes", unreceipted},
                     {"mesh_held_bytes", held},
                     {"mesh_interest_channels", stores_.local.log().size()},
                     {"mesh_interest_pending", stores_.local.pending()},
                     {"mesh_subscriptions_waiting", subscriptions_.unacknowledged()},
                     {"mesh_presence_users", stores_.presence.users()},
                     {"mesh_retained_events", stores_.retained.size()},
                     {"mesh_retained_event_bytes", stores_.retained.bytes()},
                     {"mesh_history_entries", history_.table().entries()},
                     {"mesh_history_bytes", history_.table().bytes()},
                     {"mesh_history_members_agree", history_.members_agree() ? 1u : 0u},
                     {"mesh_duty_items", duties().items()},
                     {"mesh_duty_items_done_here", duties().duties()},
                     {"mesh_duty_tasks_waiting", duties().tasks_waiting()},
                     {"mesh_remote_channels", stores_.interest.channels()}};
}

}  // namespace tulle::mesh
