#pragma once

#include <optional>
#include <variant>

#include "mesh/core/interest/interest_log.hpp"

namespace tulle::mesh {

using InterestMessage = std::variant<InterestDelta, InterestChunk>;

/// What one peer has been told of this node's interest, and what it has acknowledged.
///
/// Thread: confined to the hub. A feed lives as long as its link session.
/// The peer pulls first; from the answer on it counts among those that must acknowledge: giving it the interest and
/// waiting for it is one step. Unacknowledged deltas are sent again; a peer that the log no longer reaches is told by
/// heartbeats and pulls a snapshot.
class InterestFeed {
public:
    explicit InterestFeed(const Timing& timing) : timing_(timing) {}

    [[nodiscard]] InterestMessage on_pull(Instant now, const InterestLog& log, const InterestPull& pull);
    void on_ack(Instant now, InterestVersion applied);
    /// The next delta to send, if one is due: new changes (at once when idle, else coalesced) or a repetition.
    [[nodiscard]] std::optional<InterestDelta> poll(Instant now, const InterestLog& log);
    [[nodiscard]] std::optional<Instant> next_deadline(const InterestLog& log) const;

    /// Whether acknowledgements of this peer are waited for.
    [[nodiscard]] bool counted() const { return counted_; }
    [[nodiscard]] InterestVersion acked() const { return acked_; }
    /// The log must go on reaching back to this version: what the peer has, or what its snapshot is of.
    [[nodiscard]] InterestVersion needs() const { return in_snapshot_ ? snapshot_base_ : acked_; }

private:
    void sent(Instant now, InterestVersion upto);

    Timing timing_;
    bool counted_ = false;
    bool in_snapshot_ = false;
    InterestVersion acked_;
    InterestVersion sent_;
    std::uint64_t snapshot_ = 0;  // number of the one under way or done
    InterestVersion snapshot_base_;
    std::optional<Instant> last_delta_;
    std::optional<Instant> again_at_;
};

}  // namespace tulle::mesh
