#pragma once

#include <string>

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/node/roster.hpp"
#include "mesh/core/node/tallies.hpp"
#include "mesh/core/records/publisher.hpp"
#include "mesh/core/records/record_ring.hpp"
#include "mesh/core/session/link_receiver.hpp"
#include "mesh/core/trace/trace_table.hpp"

namespace tulle::mesh {

/// Sends, receives and reports marked messages. A marked message is a record like every other: numbered, kept in the
/// ring, filtered, framed and repaired. Only at the receiver the message is reported to its origin instead of delivered
/// to clients. So a trace shows the way of ordinary messages.
///
/// Thread: confined to the hub.
/// Limits: the limits of TraceTable.
class Traces {
public:
    Traces(MeshContext& context, const Publisher& publisher, RecordRing& ring, const Roster& roster,
           const Tallies& tallies)
        : context_(context),
          publisher_(publisher),
          ring_(ring),
          roster_(roster),
          tallies_(tallies),
          table_(context.limits().traces) {}

    /// Sends a marked message for `shard`. Answers with TraceResult: at once when refused, else when all reports are in
    /// or after `trace.timeout`, clamped to 1 ms … 60 s.
    void on(Instant now, ShardIndex shard, const Trace& trace, Effects& out);
    /// Takes in the report of node `from` about a marked message of this node.
    void on(Instant now, OriginId from, const TraceReport& report, Effects& out);
    /// Reports a marked record of `origin` that came by the origin's link.
    void on_record(Instant now, OriginId origin, const Record& record, const Arrival& arrival, Effects& out);
    /// Reports a marked record of a dead `origin` that a survivor filled in.
    void on_filled(Instant now, OriginId origin, const Record& record, Effects& out);
    /// Notes the survivor that filled the record in. The report names the first such survivor.
    void note_filler(OriginId origin, RecordNo n, OriginId filler) { table_.note_filler(origin, n, filler); }
    /// Sends the reports that waited for a session with `oid`.
    void session_up(OriginId oid, Effects& out);
    /// Answers traces past their deadline.
    void tick(Instant now, Effects& out) { table_.on_deadline(now, out); }
    [[nodiscard]] std::optional<Instant> next_deadline() const { return table_.next_deadline(); }

private:
    /// The line about a peer at the moment of sending.
    [[nodiscard]] TraceLine line(const Peer& peer, const std::string& channel) const;
    /// Sends a report to the origin, or keeps the report until a session stands.
    void report(Instant now, OriginId origin, const Record& record, TracePath path, OriginId via, Effects& out);

    MeshContext& context_;
    const Publisher& publisher_;
    RecordRing& ring_;
    const Roster& roster_;
    const Tallies& tallies_;
    TraceTable table_;
};

}  // namespace tulle::mesh
