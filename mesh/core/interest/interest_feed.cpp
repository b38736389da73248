#include "mesh/core/interest/interest_feed.hpp"

#include <algorithm>

#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {

static_assert(Timing{}.interest_coalesce < Timing{}.interest_retry);

InterestMessage InterestFeed::on_pull(Instant now, const InterestLog& log, const InterestPull& pull) {
    counted_ = true;
    if (in_snapshot_ && log.reaches(snapshot_base_) && (pull.snapshot != 0 || !log.reaches(pull.have))) {
        // One snapshot at a time: a repeated or belated pull gets the first chunk of the one under way, which the peer
        // ignores when it is further. Beginning another one each time would never end when answers overtake each other.
        return log.chunk(snapshot_, snapshot_base_, pull.snapshot == snapshot_ ? pull.after : std::string());
    }
    if (!pull.fresh && pull.snapshot == 0 && log.reaches(pull.have)) {
        in_snapshot_ = false;
        acked_ = pull.have;
        InterestDelta delta = log.changes_after(pull.have);
        sent(now, pull.have.plus(delta.changes.size()));
        return delta;
    }
    in_snapshot_ = true;
    acked_ = InterestVersion{};
    ++snapshot_;
    snapshot_base_ = log.version();
    return log.chunk(snapshot_, snapshot_base_, {});
}

void InterestFeed::on_ack(Instant now, InterestVersion applied) {
    if (applied <= acked_) {
        return;
    }
    acked_ = applied;
    if (in_snapshot_ && applied < snapshot_base_) {
        return;  // what it had before: the snapshot goes on
    }
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
    const bool again = again_at_ && *again_at_ <= now;
    const InterestVersion from = again ? acked_ : sent_;
    // Beyond the log nothing can be sent again: an empty delta at the present version is a hole, and makes the peer
    // pull.
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
        const Instant fresh = last_delta_ ? *last_delta_ + timing_.interest_coalesce : Instant{};
        due = due ? std::min(*due, fresh) : fresh;
    }
    return due;
}

}  // namespace tulle::mesh
