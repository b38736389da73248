#include <algorithm>
#include <bit>
#include <tuple>

#include "mesh/core/mesh_node.hpp"

namespace tulle::mesh {

std::string MeshNode::name_of(OriginId oid) const {
    const Peer* peer = membership_.find(oid);
    if (peer != nullptr) {
        return peer->name;
    }
    return oid == OriginId{} || oid == options_.oid ? options_.name : to_hex(oid);
}

/// The marked message is a record like every other: it is numbered, kept in the ring, filtered, framed and repaired.
/// Only at its end it is reported instead of delivered.
void MeshNode::trace(Instant now, ShardIndex shard, const Trace& trace, Effects& out) {
    TraceResult refused{.id = trace.id, .outcome = TraceOutcome::kSent, .n = {}, .lines = {}};
    if (!ready_ || !unconfirmed_.empty()) {
        refused.outcome = TraceOutcome::kNotReady;
    } else if (trace.channel.empty() || trace.channel.size() > kMaxChannelBytes) {
        refused.outcome = TraceOutcome::kBadChannel;
    } else if (traces_.full()) {
        refused.outcome = TraceOutcome::kTooMany;
    }
    if (refused.outcome != TraceOutcome::kSent) {
        out.push_back(ToPort{shard, std::move(refused)});
        return;
    }
    Record marked;
    marked.channels = {trace.channel};
    marked.body = share(EventBody());
    marked.trace = true;
    const RecordPtr record = ring_.append(now, std::move(marked));

    std::vector<MemberStatus> shown;
    for (const auto& [oid, peer] : membership_.peers()) {
        shown.emplace_back().oid = oid;
    }
    hide_long_gone(now, shown);  // as in status: not a line for each process that once bore a name
    std::vector<TraceLine> lines;
    for (const MemberStatus& member : shown) {
        lines.push_back(trace_line(*membership_.find(member.oid), trace.channel));
    }
    std::sort(lines.begin(), lines.end(),
              [](const TraceLine& a, const TraceLine& b) { return std::tie(a.name, a.oid) < std::tie(b.name, b.oid); });
    TraceLine self{
        .name = options_.name, .oid = options_.oid, .state = own_status(now).state, .fate = TraceFate::kOrigin};
    self.shards = static_cast<std::uint32_t>(std::popcount(local_.shards_of(*record)));
    self.received_us = 0;
    lines.insert(lines.begin(), std::move(self));
    const Duration timeout = std::clamp<Duration>(trace.timeout, 1ms, 60s);
    traces_.begin(now, record->n, {shard, trace.id, now + timeout}, std::move(lines), out);
}

TraceLine MeshNode::trace_line(const Peer& peer, const std::string& channel) const {
    TraceLine line{.name = peer.name, .oid = peer.oid, .state = to_text(peer.state)};
    const auto link = links_.find(peer.oid);
    if (link == links_.end()) {
        line.fate = TraceFate::kNoSession;
    } else if (!link->second.synced) {
        line.fate = TraceFate::kInterestUnknown;
    } else if (!table_.interested(link->second.slot, channel)) {
        line.fate = TraceFate::kNoSubscriber;
    }
    return line;
}

void MeshNode::witness(Instant now, OriginId origin, const Record& record, const Arrival& arrival, Effects& out) {
    const bool relayed = arrival.via != OriginId{};
    const TracePath path =
        arrival.repaired ? TracePath::kRepaired : (relayed ? TracePath::kRelayed : TracePath::kDirect);
    report_trace(now, origin, record, path, arrival.via, out);
}

void MeshNode::witness_filled(Instant now, OriginId origin, const Record& record, Effects& out) {
    report_trace(now, origin, record, TracePath::kFilledIn, traces_.take_filler(origin, record.n), out);
}

void MeshNode::report_trace(Instant now, OriginId origin, const Record& record, TracePath path, OriginId via,
                            Effects& out) {
    const TraceReport report{.n = record.n,
                             .path = path,
                             .via = via,
                             .at_us = now.time_since_epoch() / 1us,
                             .shards = static_cast<std::uint32_t>(std::popcount(local_.shards_of(record)))};
    if (links_.contains(origin)) {
        membership_.send(origin, report, out);
    } else {
        traces_.owe(origin, report);
    }
}

void MeshNode::on_trace_report(Instant now, OriginId from, const TraceReport& report, Effects& out) {
    const Peer* peer = membership_.find(from);
    if (peer == nullptr || !traces_.awaits(report.n)) {
        return;
    }
    TraceLine line{.name = peer->name, .oid = from, .state = to_text(peer->state)};
    if (report.via != OriginId{}) {
        line.via = name_of(report.via);
    }
    traces_.on_report(now, report, std::move(line), tallies_[from].clock, out);
}

}  // namespace tulle::mesh
