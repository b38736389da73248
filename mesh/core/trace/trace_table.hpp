#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mesh/core/node/effects.hpp"

namespace tulle::mesh {

/// Another node's monotonic clock minus this node's, as measured with heartbeats. In microseconds. `error_us` 0: not
/// measured yet.
struct ClockOffset {
    std::int64_t offset_us = 0;
    std::uint64_t error_us = 0;
};

/// Marked messages. Holds this node's marked messages under way with the reports so far, and the reports that this node
/// owes to other origins.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Limits: at most `max` marked messages of this node under way; full() tells the caller to refuse a further message.
///         At most `max` reports wait for a session with their origin, and at most `max` fillers are noted. Beyond, the
///         oldest entry is dropped, and its origin misses a line or a name.
class TraceTable {
public:
    /// `max`: Limits::traces.
    explicit TraceTable(std::size_t max) : max_(max) {}

    /// True when no further message may begin.
    [[nodiscard]] bool full() const { return pending_.size() >= max_; }

    /// The shard that asked for the trace, its id for the answer, and the moment of the answer at the latest.
    struct Asked {
        ShardIndex shard;
        std::uint64_t id = 0;
        Instant deadline;
    };
    /// Notes: marked record `n` of this node was sent at `now`. `lines`: a line for each node, with the fate known so
    /// far. Answers at once when no line waits for a report. REQUIRES: !full(), and `n` is new.
    void begin(Instant now, RecordNo n, const Asked& asked, std::vector<TraceLine> lines, Effects& out);

    /// Takes in a receiver's report. `line` names the receiver and, if any, the node that relayed or filled in.
    /// `clock`: the receiver's clock. Answers when no line waits any more. Ignored when the message is no longer
    /// awaited.
    void on_report(Instant now, const TraceReport& report, TraceLine line, const ClockOffset& clock, Effects& out);
    /// True while reports about record `n` of this node are awaited.
    [[nodiscard]] bool awaits(RecordNo n) const { return pending_.contains(n); }
    /// Answers for messages past their deadline, with the reports so far.
    void on_deadline(Instant now, Effects& out);
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    /// Keeps a report until a session with `origin` stands.
    void owe(OriginId origin, const TraceReport& report);
    /// Removes and returns the reports kept for `origin`.
    [[nodiscard]] std::vector<TraceReport> take_owed(OriginId origin);

    /// Notes the survivor that filled record `n` of `origin` in. Only the first survivor is noted.
    void note_filler(OriginId origin, RecordNo n, OriginId filler);
    /// Removes and returns the noted survivor. 0: none, because the record was here already.
    [[nodiscard]] OriginId take_filler(OriginId origin, RecordNo n);

private:
    /// A marked message under way.
    struct Pending {
        Asked asked;
        Instant sent_at;
        std::vector<TraceLine> lines;
    };
    using Pendings = std::map<RecordNo, Pending>;

    /// Answers when no line waits for a report.
    void finish_if_done(Pendings::iterator it, Effects& out);
    /// Sends the result to the asking shard and forgets the message.
    void finish(Pendings::iterator it, Effects& out);

    std::size_t max_;
    Pendings pending_;
    // Oldest first.
    std::deque<std::pair<OriginId, TraceReport>> owed_;
    // Oldest first: record, survivor.
    std::deque<std::pair<std::pair<OriginId, RecordNo>, OriginId>> fillers_;
};

}  // namespace tulle::mesh
