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

/// Marked messages. A marked message is a record like every other: it is numbered, kept in the ring, filtered, framed
/// and repaired. Only at its end it is reported to its origin instead of delivered.
///
/// Thread: confined to the hub. Limits: as of TraceTable.
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

    /// A shard of ours sends one.
    void on(Instant now, ShardIndex shard, const Trace& trace, Effects& out);
    void on(Instant now, OriginId from, const TraceReport& report, Effects& out);
    /// A marked record of `origin` has come to its turn here: by its link, or as others have filled it in.
    void on_record(Instant now, OriginId origin, const Record& record, const Arrival& arrival, Effects& out);
    void on_filled(Instant now, OriginId origin, const Record& record, Effects& out);
    /// The first that fills in a marked record is named in the report.
    void note_filler(OriginId origin, RecordNo n, OriginId filler) { table_.note_filler(origin, n, filler); }
    /// Sends the reports that waited for a session.
    void session_up(OriginId oid, Effects& out);
    void tick(Instant now, Effects& out) { table_.on_deadline(now, out); }
    [[nodiscard]] std::optional<Instant> next_deadline() const { return table_.next_deadline(); }

private:
    [[nodiscard]] TraceLine line(const Peer& peer, const std::string& channel) const;
    void report(Instant now, OriginId origin, const Record& record, TracePath path, OriginId via, Effects& out);

    MeshContext& context_;
    const Publisher& publisher_;
    RecordRing& ring_;
    const Roster& roster_;
    const Tallies& tallies_;
    TraceTable table_;
};

}  // namespace tulle::mesh
