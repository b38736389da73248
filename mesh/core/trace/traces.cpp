#include "mesh/core/trace/traces.hpp"

#include <algorithm>
#include <bit>
#include <tuple>
#include <utility>

namespace tulle::mesh {

void Traces::on(Instant now, ShardIndex shard, const Trace& trace, Effects& out) {
    TraceResult refused{.id = trace.id, .outcome = TraceOutcome::kSent, .n = {}, .lines = {}};
    if (!publisher_.may_number()) {
        refused.outcome = TraceOutcome::kNotReady;
    } else if (trace.channel.empty() || trace.channel.size() > kMaxChannelBytes) {
        refused.outcome = TraceOutcome::kBadChannel;
    } else if (table_.full()) {
        refused.outcome = TraceOutcome::kTooMany;
    }
    if (refused.outcome != TraceOutcome::kSent) {
        out.push_back(ToPort{shard, std::move(refused)});
        return;
    }
    Record marked;
    marked.channels = {trace.channel};
    // An empty body: ring and links expect a message to have a body.
    marked.body = share(EventBody());
    marked.trace = true;
    const RecordPtr record = ring_.append(now, std::move(marked));

    std::vector<MemberStatus> shown = roster_.all(now);
    // As in `status`: no line for each process that once bore a name.
    roster_.hide_long_gone(now, shown);
    std::vector<TraceLine> lines;
    for (const MemberStatus& member : shown) {
        lines.push_back(line(*context_.find(member.oid), trace.channel));
    }
    TraceLine self{.name = context_.options().name,
                   .oid = context_.options().oid,
                   .state = roster_.own(now).state,
                   .fate = TraceFate::kOrigin};
    self.shards = static_cast<std::uint32_t>(std::popcount(context_.audience().shards_of(*record)));
    self.received_us = 0;
    lines.insert(lines.begin(), std::move(self));
    const Duration timeout = std::clamp<Duration>(trace.timeout, 1ms, 60s);
    table_.begin(now, record->n, {shard, trace.id, now + timeout}, std::move(lines), out);
}

TraceLine Traces::line(const Peer& peer, const std::string& channel) const {
    TraceLine line{.name = peer.name, .oid = peer.oid, .state = to_text(peer.state)};
    const Session* session = context_.sessions().find(peer.oid);
    // kNoReport, the initial fate, stays for a peer with interest: the message is due, and the report is awaited.
    if (session == nullptr) {
        line.fate = TraceFate::kNoSession;
    } else if (!session->interest.synced) {
        line.fate = TraceFate::kInterestUnknown;
    } else if (!context_.audience().wants(MeshContext::reader(*session), channel)) {
        line.fate = TraceFate::kNoSubscriber;
    }
    return line;
}

void Traces::on_record(Instant now, OriginId origin, const Record& record, const Arrival& arrival, Effects& out) {
    report(now, origin, record, arrival.path(), arrival.via, out);
}

void Traces::on_filled(Instant now, OriginId origin, const Record& record, Effects& out) {
    report(now, origin, record, TracePath::kFilledIn, table_.take_filler(origin, record.n), out);
}

void Traces::report(Instant now, OriginId origin, const Record& record, TracePath path, OriginId via, Effects& out) {
    const TraceReport report{
        .n = record.n,
        .path = path,
        .via = via,
        .at_us = now.time_since_epoch() / 1us,
        .shards = static_cast<std::uint32_t>(std::popcount(context_.audience().shards_of(record)))};
    if (context_.sessions().contains(origin)) {
        context_.send(origin, report, out);
    } else {
        table_.owe(origin, report);
    }
}

void Traces::on(Instant now, OriginId from, const TraceReport& report, Effects& out) {
    const Peer* peer = context_.find(from);
    if (peer == nullptr || !table_.awaits(report.n)) {
        return;
    }
    TraceLine line{.name = peer->name, .oid = from, .state = to_text(peer->state)};
    if (report.via != OriginId{}) {
        line.via = context_.name_of(report.via);
    }
    const Tally* tally = tallies_.find(from);
    table_.on_report(now, report, std::move(line), tally == nullptr ? ClockOffset{} : tally->clock, out);
}

void Traces::session_up(OriginId oid, Effects& out) {
    for (const TraceReport& report : table_.take_owed(oid)) {
        context_.send(oid, report, out);
    }
}

}  // namespace tulle::mesh
