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

/// Another node's clock less ours, as heartbeats tell; an error of 0 means: not measured yet.
struct ClockOffset {
    std::int64_t offset_us = 0;
    std::uint64_t error_us = 0;
};

/// Marked messages: ours that are under way, with what was said of them, and what we owe to their origins.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
/// Limits: `max` messages of ours at once, then full(). As many reports are kept for origins without a session, and as
/// many
///         notes of who has filled in; past that the oldest goes, and its origin misses that line.
class TraceTable {
public:
    explicit TraceTable(std::size_t max) : max_(max) {}

    [[nodiscard]] bool full() const { return pending_.size() >= max_; }

    struct Asked {
        ShardIndex shard;
        std::uint64_t id = 0;
        Instant deadline;
    };
    /// Our record `n` was sent at `now`. Answers at once when no line waits for a report. REQUIRES: !full().
    void begin(Instant now, RecordNo n, const Asked& asked, std::vector<TraceLine> lines, Effects& out);

    /// `line`: who says so, by which path, by whom. Ignored for a message that nobody waits for any longer.
    void on_report(Instant now, const TraceReport& report, TraceLine line, const ClockOffset& clock, Effects& out);
    /// Whether somebody waits for reports of our record `n`.
    [[nodiscard]] bool awaits(RecordNo n) const { return pending_.contains(n); }
    void on_deadline(Instant now, Effects& out);
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    /// There is no session with `origin`: tell it when there is one.
    void owe(OriginId origin, const TraceReport& report);
    [[nodiscard]] std::vector<TraceReport> take_owed(OriginId origin);

    /// Of a record that others fill in: the first that has sent it.
    void note_filler(OriginId origin, RecordNo n, OriginId filler);
    /// And forgets it. 0: it was here already.
    [[nodiscard]] OriginId take_filler(OriginId origin, RecordNo n);

private:
    struct Pending {
        Asked asked;
        Instant sent_at;
        std::vector<TraceLine> lines;
    };
    using Pendings = std::map<RecordNo, Pending>;

    void finish_if_done(Pendings::iterator it, Effects& out);
    void finish(Pendings::iterator it, Effects& out);

    std::size_t max_;
    Pendings pending_;
    std::deque<std::pair<OriginId, TraceReport>> owed_;
    std::deque<std::pair<std::pair<OriginId, RecordNo>, OriginId>> fillers_;
};

}  // namespace tulle::mesh
