#include "node/admin/mesh_metrics.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "mesh/base/ids.hpp"
#include "mesh/core/session/unmet.hpp"

namespace tulle::node {
namespace {

/// The configured peers that are not met, by the reason. Every reason has a value, so that alerts find a 0.
void add_unmet(const mesh::NodeStatus& status, Families& out) {
    prometheus::MetricFamily unmet =
        family("mesh_peers_unmet", "Configured peers with which no session stands, by the reason", Kind::kGauge);
    for (int reason = 0; reason <= static_cast<int>(mesh::Unmet::kLeft); ++reason) {
        const std::string name = mesh::to_text(static_cast<mesh::Unmet>(reason));
        const auto count = std::count_if(status.seeds.begin(), status.seeds.end(),
                                         [&name](const mesh::SeedStatus& seed) { return seed.reason == name; });
        add(unmet, static_cast<double>(count), {{"reason", name}});
    }
    out.push_back(std::move(unmet));
}

// The metrics for each peer. The oid tells two processes under the same name apart.
void add_members(const mesh::NodeStatus& status, Families& out) {
    prometheus::MetricFamily up = family("mesh_peer_up", "Whether the member is alive for this node", Kind::kGauge);
    prometheus::MetricFamily rtt = family("mesh_peer_rtt_seconds", "Smoothed round trip to the member", Kind::kGauge);
    prometheus::MetricFamily error = family(
        "mesh_peer_clock_error_seconds",
        "How far the difference of the clocks may be wrong by which messages of the member are measured: half of its "
        "fastest round trip of late",
        Kind::kGauge);
    prometheus::MetricFamily gaps =
        family("mesh_peer_gaps_total", "Holes found in the frames of the member", Kind::kCounter);
    prometheus::MetricFamily repaired = family(
        "mesh_peer_repaired_total", "Holes in the frames of the member that the link has filled", Kind::kCounter);
    for (const mesh::MemberStatus& member : status.members) {
        const Labels peer = {{"peer", member.name}, {"oid", to_hex(member.oid)}};
        add(up, member.state == "alive" ? 1 : 0, peer);
        add(rtt, static_cast<double>(member.rtt_us) / 1e6, peer);
        if (member.session && member.session->clock_error_us != 0) {
            add(error, static_cast<double>(member.session->clock_error_us) / 1e6, peer);
        }
        add(gaps, static_cast<double>(member.gaps), peer);
        add(repaired, static_cast<double>(member.repaired), peer);
    }
    // Before another node is met there are the names alone.
    out.insert(out.end(), {std::move(up), std::move(rtt), std::move(error), std::move(gaps), std::move(repaired)});
}

// The mesh keys by their ids, which are no secret. The first key is the one in use.
void add_keys(const mesh::KeyStatus& keys, Families& out) {
    prometheus::MetricFamily info = family(
        "mesh_key_info", "The ids of the mesh keys: the key in use (use used) and another accepted one", Kind::kGauge);
    for (std::size_t i = 0; i < keys.ids.size(); ++i) {
        add(info, 1, {{"id", keys.ids[i]}, {"use", i == 0 ? "used" : "accepted"}});
    }
    out.push_back(std::move(info));
}

/// Help texts for the counters and gauges of the hub, by the hub's own names. Every name has a text
/// (tests/integration/metrics.test.mjs).
constexpr std::pair<std::string_view, std::string_view> kMeshHelp[] = {
    {"mesh_published", "Messages of this node's clients and backends, numbered here"},
    {"mesh_publish_refused", "Publishes refused by the hub: not ready, too large, or too few nodes for the copies"},
    {"mesh_publish_acknowledged", "Publishes answered after as many nodes as wanted held the message"},
    {"mesh_publish_few_copies", "Publishes answered with 503 after a second in which too few nodes held the message"},
    {"mesh_records_received", "Records of other nodes that came to their turn here"},
    {"mesh_records_sent", "Records sent, once for each node that they went to"},
    {"mesh_frames_sent", "Frames of records sent to other nodes, repeated ones excepted"},
    {"mesh_frames_received", "Frames of records received from other nodes"},
    {"mesh_frames_repeated", "Frames sent again because the receiver had a hole"},
    {"mesh_tails_sent", "Tails sent: they tell an idle peer how far the frames go"},
    {"mesh_nacks_sent", "Requests to other nodes to send frames again"},
    {"mesh_gaps", "Holes found in the frames of other nodes"},
    {"mesh_gaps_repaired", "Holes in the frames of other nodes that the link has filled"},
    {"mesh_records_gone", "Records that this node no longer had when a link came to them"},
    {"mesh_duplicates_dropped", "Frames and records that came more than once"},
    {"mesh_barrier_waits", "Subscriptions that waited for the other nodes to know of them"},
    {"mesh_digest_mismatches", "Times that a node's interest was held wrongly, and fetched anew"},
    {"mesh_data_redials", "Data paths dialled again because they were silent"},
    {"mesh_presence_changes", "Changes of presence of this node's users, written to the log of this node"},
    {"mesh_retained_events_evicted", "Last events of cache channels dropped for want of room"},
    {"mesh_history_evicted_by_size", "Events dropped from histories as their channel holds no more events"},
    {"mesh_history_evicted_by_bytes", "Events dropped from histories as their channel holds no more bytes"},
    {"mesh_history_evicted_by_age", "Events dropped from histories as their time was over"},
    {"mesh_history_evicted_by_node", "Events dropped from histories as the node holds no more (history_bytes)"},
    {"mesh_duty_reports_sent", "Counts for webhooks reported to the nodes named for them"},
    {"mesh_duty_mails_sent", "Messages with counts and tasks for webhooks sent to other nodes, repetitions included"},
    {"mesh_duty_changes", "Changes of counts that this node was named to tell webhooks of"},
    {"mesh_duty_revoked", "Changes under way to a webhook, revoked because another node is named for them now"},
    {"mesh_duty_tasks", "Tasks for webhooks, client events for example, that this node was named to do"},
    {"mesh_duty_tasks_refused", "Tasks for webhooks refused because too many waited"},
    {"mesh_duty_counts_refused", "Counts for webhooks refused because too many were held"},
    {"mesh_duty_impatient",
     "Turns of the hub in which duties were taken over although some node had not handed them over in time"},
    {"mesh_late_turns", "Turns of the hub that came more than 100 ms late"},
    {"mesh_sleeps", "Turns of the hub that came more than 500 ms late"},
    {"mesh_relayed", "Messages passed on round a one-way link of others"},
    {"mesh_filled_in", "Records of dead nodes that survivors filled in here"},
    {"mesh_suspicions", "Times that a node was not heard for a second"},
    {"mesh_false_suspicions", "Suspected nodes that were heard again"},
    {"mesh_deaths", "Times that a node was taken for dead"},
    {"mesh_reconnects", "Connections that broke and came back in the same session"},
    {"mesh_sessions", "Sessions begun with other nodes"},
    {"mesh_newcomers_refused", "Nodes turned away: other cluster, protocol or a name that is held"},
    {"mesh_newcomers_put_off", "Newcomers not dialled at once because too many were being dialled"},
    {"mesh_names_ignored", "Nodes that a peer named beyond its share, ignored"},
    {"mesh_stale_messages", "Messages of ended sessions and earlier processes, ignored"},
    {"mesh_control_redials", "Control connections replaced because data came from the peer, but no control"},
    {"mesh_control_deaths", "Nodes taken for dead that sent data, but had no working control connection"},
    {"mesh_stuck_deaths", "Nodes taken for dead because they took in none of this node's interest"},
    {"mesh_malformed_messages", "Messages of other nodes that could not be read"},
    {"mesh_unknown_messages", "Messages of a kind that this version does not know, skipped: a newer node sent them"},
    {"mesh_unknown_fields", "Fields of messages that this version does not know, skipped: a newer node sent them"},
    {"mesh_control_sent", "Control messages sent to other nodes"},
    {"mesh_control_sent_bytes", "Bytes of control messages sent to other nodes"},
    {"mesh_data_sent", "Data messages sent to other nodes"},
    {"mesh_data_sent_bytes", "Bytes of data messages sent to other nodes"},
    {"mesh_control_unsent", "Control messages dropped because the connection was down or full"},
    {"mesh_connections_put_off", "Connections to other nodes put off: no descriptors left, or too many at once"},
    {"mesh_inbound_refused", "Connections to the mesh ports that did not speak the nodes' protocol, and were ended"},
    {"mesh_inbound_cut", "Connections to the mesh ports ended: too many at once, or subscribed to what no node does"},
    {"mesh_keys_unknown", "Connections to the mesh ports refused because their key is not among this node's keys"},
    {"mesh_keys_refused", "Connections to other nodes that failed for a key: theirs or ours is not known"},
    {"mesh_shard_mailbox_losses", "Messages that a shard was too slow to take; its clients are told of the gap"},
    {"mesh_members_alive", "Nodes of the mesh that are alive for this node, this node included"},
    {"mesh_protocol", "Version of the mesh protocol that this node and all that it has a session with speak"},
    {"mesh_ring_bytes", "Memory of the latest messages of this node, kept for nodes that miss some"},
    {"mesh_unreceipted_bytes", "Bytes sent to other nodes that have not been acknowledged"},
    {"mesh_held_bytes", "Bytes of frames that wait for a frame before them, which is missing"},
    {"mesh_interest_channels", "Channels with a subscriber on this node"},
    {"mesh_interest_pending", "Changes of this node's interest that are to be told to the other nodes"},
    {"mesh_subscriptions_waiting", "Subscriptions that wait for the other nodes to know of them"},
    {"mesh_presence_users", "Users that this node knows of, summed over the presence channels"},
    {"mesh_retained_events", "Last events of cache channels held by this node"},
    {"mesh_retained_event_bytes", "Memory of the last events of cache channels"},
    {"mesh_history_entries", "Events in the histories that this node holds"},
    {"mesh_history_bytes", "Memory of the events in the histories that this node holds"},
    {"mesh_history_members_agree", "1: all members see the same members, and name the same nodes to hold an event"},
    {"mesh_duty_items", "Counts for webhooks of this node's own clients"},
    {"mesh_duty_items_done_here", "Counts that this node is named to tell webhooks of"},
    {"mesh_duty_tasks_waiting", "Tasks for webhooks of this node's own clients that are not done yet"},
    {"mesh_remote_channels", "Channels with a subscriber on another node, as far as this node knows"},
};

// The help text of a metric of the mesh; `otherwise` for a name without a text.
std::string mesh_help(const std::string& name, std::string_view otherwise) {
    const auto known = std::find_if(std::begin(kMeshHelp), std::end(kMeshHelp),
                                    [&name](const auto& entry) { return entry.first == name; });
    return std::string(known == std::end(kMeshHelp) ? otherwise : known->second);
}

// The metric's name for a counter of the hub: with the prefix of the mesh, and with Prometheus' suffix for counters.
std::string mesh_name(const std::string& name, Kind kind) {
    return (name.starts_with("mesh_") ? "" : "mesh_") + name +
           (kind == Kind::kCounter && !name.ends_with("_total") ? "_total" : "");
}

}  // namespace

void add_mesh(const mesh::NodeStatus& status, Families& out) {
    out.push_back(single("ready", "Whether the node serves clients", Kind::kGauge, status.ready ? 1 : 0));
    out.push_back(single("uptime_seconds", "Seconds since the node started", Kind::kGauge, status.self.uptime_s));
    // The hub names its counters itself, so a further counter of the mesh appears without a change here.
    for (const auto& [name, value] : status.counters) {
        out.push_back(
            single(mesh_name(name, Kind::kCounter), mesh_help(name, "Counted by the mesh"), Kind::kCounter, value));
    }
    for (const auto& [name, value] : status.gauges) {
        out.push_back(single(mesh_name(name, Kind::kGauge), mesh_help(name, "Told by the mesh"), Kind::kGauge, value));
    }
    out.push_back(single("mesh_peers_configured", "Endpoints to find other nodes at, but for this node's own",
                         Kind::kGauge, status.configured));
    out.push_back(single("mesh_peers_met", "Endpoints to find other nodes at where a node has been met", Kind::kGauge,
                         status.met));
    add_unmet(status, out);
    add_members(status, out);
    add_keys(status.keys, out);
}

}  // namespace tulle::node
