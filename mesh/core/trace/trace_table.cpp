#include "mesh/core/trace/trace_table.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"

namespace tulle::mesh {
namespace {

std::int64_t microseconds(Instant at) {
    return at.time_since_epoch() / 1us;
}

// A report may still come: the message is due to the node, or perhaps due.
bool is_waited_for(const TraceLine& line) {
    return line.fate == TraceFate::kNoReport || line.fate == TraceFate::kInterestUnknown;
}

}  // namespace

void TraceTable::begin(Instant now, RecordNo n, const Asked& asked, std::vector<TraceLine> lines, Effects& out) {
    TULLE_ASSERT(!full());
    const auto [it, is_new] = pending_.emplace(n, Pending{asked, now, std::move(lines)});
    TULLE_ASSERT(is_new);
    finish_if_done(it, out);
}

void TraceTable::on_report(Instant now, const TraceReport& report, TraceLine line, const ClockOffset& clock,
                           Effects& out) {
    const auto it = pending_.find(report.n);
    if (it == pending_.end()) {
        return;
    }
    const std::int64_t sent_us = microseconds(it->second.sent_at);
    line.fate = TraceFate::kGot;
    line.path = report.path;
    line.shards = report.shards;
    line.reported_us = microseconds(now) - sent_us;
    // Converts the receiver's moment into this node's clock. Without a measurement the moment would be meaningless.
    if (clock.error_us != 0) {
        line.received_us = report.at_us - clock.offset_us - sent_us;
        line.clock_error_us = clock.error_us;
    }
    std::vector<TraceLine>& lines = it->second.lines;
    const auto known = std::find_if(lines.begin(), lines.end(), [&](const TraceLine& l) { return l.oid == line.oid; });
    if (known == lines.end()) {
        // The node was met after the sending.
        lines.push_back(std::move(line));
    } else if (known->fate != TraceFate::kGot) {
        // The first report of a node counts: a second report may come by another path.
        *known = std::move(line);
    }
    finish_if_done(it, out);
}

void TraceTable::on_deadline(Instant now, Effects& out) {
    for (auto it = pending_.begin(); it != pending_.end();) {
        const auto current = it++;
        if (current->second.asked.deadline <= now) {
            finish(current, out);
        }
    }
}

std::optional<Instant> TraceTable::next_deadline() const {
    std::optional<Instant> next;
    for (const auto& [n, pending] : pending_) {
        next = next ? std::min(*next, pending.asked.deadline) : pending.asked.deadline;
    }
    return next;
}

void TraceTable::finish_if_done(Pendings::iterator it, Effects& out) {
    if (std::none_of(it->second.lines.begin(), it->second.lines.end(), is_waited_for)) {
        finish(it, out);
    }
}

void TraceTable::finish(Pendings::iterator it, Effects& out) {
    Pending& pending = it->second;
    out.push_back(ToPort{pending.asked.shard,
                         TraceResult{pending.asked.id, TraceOutcome::kSent, it->first, std::move(pending.lines)}});
    pending_.erase(it);
}

void TraceTable::owe(OriginId origin, const TraceReport& report) {
    owed_.emplace_back(origin, report);
    if (owed_.size() > max_) {
        owed_.pop_front();
    }
}

std::vector<TraceReport> TraceTable::take_owed(OriginId origin) {
    std::vector<TraceReport> reports;
    std::erase_if(owed_, [&](const auto& owed) {
        if (owed.first != origin) {
            return false;
        }
        reports.push_back(owed.second);
        return true;
    });
    return reports;
}

void TraceTable::note_filler(OriginId origin, RecordNo n, OriginId filler) {
    const std::pair record{origin, n};
    if (std::any_of(fillers_.begin(), fillers_.end(), [&](const auto& noted) { return noted.first == record; })) {
        return;
    }
    fillers_.emplace_back(record, filler);
    if (fillers_.size() > max_) {
        fillers_.pop_front();
    }
}

OriginId TraceTable::take_filler(OriginId origin, RecordNo n) {
    const std::pair record{origin, n};
    const auto found =
        std::find_if(fillers_.begin(), fillers_.end(), [&](const auto& noted) { return noted.first == record; });
    if (found == fillers_.end()) {
        return {};
    }
    const OriginId filler = found->second;
    fillers_.erase(found);
    return filler;
}

}  // namespace tulle::mesh
