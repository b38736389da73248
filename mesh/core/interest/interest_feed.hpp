#pragma once

#include <optional>
#include <variant>

#include "mesh/core/interest/interest_log.hpp"

namespace tulle::mesh {

using InterestMessage = std::variant<InterestDelta, InterestChunk>;

/// Keeps for one peer: how much of this node's interest the peer was sent, and how much the peer has acknowledged.
///
/// The peer pulls first. From the answer on the peer is counted: new subscriptions wait for the peer's acknowledgement.
/// Sending the interest and beginning to wait are a single step, so no change of interest can fall between the two.
/// Unacknowledged deltas are sent again after `Timing::interest_retry`. A peer further behind than the log reaches gets
/// an empty delta, notices the hole, and pulls a snapshot.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Ownership: a feed belongs to a session and ends with the session.
class InterestFeed {
public:
    explicit InterestFeed(const Timing& timing) : timing_(timing) {}

    /// Answers a pull of the peer with a delta or with a chunk of a snapshot. The caller sends the answer. From here on
    /// the peer is counted.
    [[nodiscard]] InterestMessage on_pull(Instant now, const InterestLog& log, const InterestPull& pull);
    /// Takes in an acknowledgement of the peer. `applied` must not exceed the version of the log: the caller clamps the
    /// peer's claim. An acknowledgement older than the last is ignored.
    void on_ack(Instant now, InterestVersion applied);
    /// The next delta to send, when a delta is due: new changes, or a repetition of unacknowledged changes. New changes
    /// are due at once after a pause, else `Timing::interest_coalesce` after the last delta. Nothing while a snapshot
    /// is under way.
    [[nodiscard]] std::optional<InterestDelta> poll(Instant now, const InterestLog& log);
    /// When poll() has a delta to send. Nothing when no delta will be due without a further change.
    [[nodiscard]] std::optional<Instant> next_deadline(const InterestLog& log) const;

    /// True when new subscriptions wait for acknowledgements of this peer.
    [[nodiscard]] bool counted() const { return counted_; }
    /// The latest version that the peer has acknowledged. Falls back to zero when a snapshot begins.
    [[nodiscard]] InterestVersion acked() const { return acked_; }
    /// The log must reach back to the returned version: the version that the peer has, or the base of the snapshot
    /// under way.
    [[nodiscard]] InterestVersion needs() const { return in_snapshot_ ? snapshot_base_ : acked_; }

private:
    /// Notes a delta that brings the peer up to `upto`, and sets the time of the repetition.
    void sent(Instant now, InterestVersion upto);

    Timing timing_;
    bool counted_ = false;
    // True from the first chunk of a snapshot until the peer has acknowledged the snapshot's base, or a later version.
    // A peer that had the base already, and asked for a fresh snapshot, does so at its next heartbeat.
    bool in_snapshot_ = false;
    InterestVersion acked_;
    // Everything up to here was sent, acknowledged or not.
    InterestVersion sent_;
    // Number of the latest snapshot, under way or complete. Zero before the first snapshot.
    std::uint64_t snapshot_ = 0;
    // The version of the snapshot under way or complete.
    InterestVersion snapshot_base_;
    std::optional<Instant> last_delta_;
    // When unacknowledged deltas are sent again. Nothing while no delta is unacknowledged.
    std::optional<Instant> again_at_;
};

}  // namespace tulle::mesh
