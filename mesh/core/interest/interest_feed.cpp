#include "mesh/core/interest/interest_feed.hpp"

#include <algorithm>

#include "mesh/core/node/numbers.hpp"

// Deltas and snapshots of this node's interest, for one peer.
//
// Usually the peer has version V, the log reaches back to V, and the feed sends the changes after V as deltas. A new
// peer, or a peer further behind than the log reaches, gets a snapshot: numbered chunks of all channels in byte order,
// each chunk in answer to a pull. Interest goes on changing while chunks are read, so a snapshot is not exact by
// itself. Deltas from the snapshot's base version on make the peer's copy exact, so the log must keep all changes since
// the base (needs()).
namespace tulle::mesh {

// Coalescing must end before the repetition begins, or each new change would travel as a repetition.
static_assert(Timing{}.interest_coalesce < Timing{}.interest_retry);

InterestMessage InterestFeed::on_pull(Instant now, const InterestLog& log, const InterestPull& pull) {
    counted_ = true;
    // One snapshot at a time: a repeated or belated pull gets a chunk of the latest snapshot. The peer ignores the
    // chunk when the peer is further already. A new snapshot for each such pull would never end when answers overtake
    // each other. That holds after the end of a snapshot too: the end is an acknowledgement of the base, which a peer
    // that asked for a fresh snapshot sends before its last chunk, and another peer sends before its last pull has
    // come.
    const bool is_behind = in_snapshot_ && !log.reaches(pull.have);
    if (snapshot_ != 0 && log.reaches(snapshot_base_) && (pull.snapshot != 0 || is_behind)) {
        return log.chunk(snapshot_, snapshot_base_, pull.snapshot == snapshot_ ? pull.after : std::string());
    }
    // The log still has every change after the peer's version: deltas are enough, and cheaper than a snapshot.
    if (!pull.fresh && pull.snapshot == 0 && log.reaches(pull.have)) {
        in_snapshot_ = false;
        acked_ = pull.have;
        InterestDelta delta = log.changes_after(pull.have);
        sent(now, pull.have.plus(delta.changes.size()));
        return delta;
    }
    // The digests differ, or the log does not reach back far enough: a new snapshot begins.
    in_snapshot_ = true;
    acked_ = InterestVersion{};
    ++snapshot_;
    snapshot_base_ = log.version();
    return log.chunk(snapshot_, snapshot_base_, {});
}

void InterestFeed::on_ack(Instant now, InterestVersion applied) {
    // Acknowledgements may overtake each other on the way here.
    if (applied <= acked_) {
        return;
    }
    acked_ = applied;
    if (in_snapshot_ && applied < snapshot_base_) {
        // The peer acknowledges a version from before the snapshot. The snapshot goes on.
        return;
    }
    // The snapshot has arrived in full. From here on deltas follow.
    if (in_snapshot_) {
        in_snapshot_ = false;
        sent_ = applied;
    }
    sent_ = std::max(sent_, acked_);
    again_at_ = acked_ < sent_ ? std::optional(now + timing_.interest_retry) : std::nullopt;
}

std::optional<InterestDelta> InterestFeed::poll(Instant now, const InterestLog& log) {
    if (!counted_ || in_snapshot_) {
        return std::nullopt;
    }
    const std::optional<Instant> due = next_deadline(log);
    if (!due || *due > now) {
        return std::nullopt;
    }
    // A repetition starts at the acknowledged version: any later delta may be lost.
    const bool again = again_at_ && *again_at_ <= now;
    const InterestVersion from = again ? acked_ : sent_;
    // Changes older than the log can't be sent again. An empty delta at the present version looks like a hole to the
    // peer and makes the peer pull.
    InterestDelta delta = log.changes_after(log.reaches(from) ? from : log.version());
    sent(now, std::max(sent_, delta.base.plus(delta.changes.size())));
    return delta;
}

void InterestFeed::sent(Instant now, InterestVersion upto) {
    sent_ = upto;
    last_delta_ = now;
    again_at_ = acked_ < sent_ ? std::optional(now + timing_.interest_retry) : std::nullopt;
}

std::optional<Instant> InterestFeed::next_deadline(const InterestLog& log) const {
    if (!counted_ || in_snapshot_) {
        return std::nullopt;
    }
    std::optional<Instant> due = again_at_;
    if (sent_ < log.version()) {
        // Instant{} means "at once": no delta was sent before, so there is nothing to coalesce with.
        const Instant fresh = last_delta_ ? *last_delta_ + timing_.interest_coalesce : Instant{};
        due = due ? std::min(*due, fresh) : fresh;
    }
    return due;
}

}  // namespace tulle::mesh
