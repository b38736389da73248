#pragma once

#include <deque>
#include <utility>

#include "mesh/core/history/history.hpp"
#include "mesh/core/node/serving.hpp"
#include "mesh/core/records/acknowledger.hpp"
#include "mesh/core/records/record_ring.hpp"
#include "mesh/core/records/timed_records.hpp"
#include "mesh/core/retained/retained.hpp"
#include "mesh/core/session/membership.hpp"

namespace tulle::mesh {

/// Accepts the publishes of the shards: numbers each as a record of this node's log and delivers the record to this
/// node's subscribers. The links pick the record up from the ring.
///
/// A pause holds publishes back: after a sleep of this process other nodes may have given this node up, and a record
/// numbered then might reach nobody.
///
/// Thread: confined to the hub.
/// Limits: holds at most `Limits::held_publishes` publishes. A publish beyond, a publish while the node does not serve,
///         and a publish over the limits of port.hpp are refused with a PublishOutcome and counted.
class Publisher {
public:
    Publisher(MeshContext& context, const Serving& serving, const Membership& membership, RecordRing& ring,
              Retained& retained, History& history, Acknowledger& acknowledger)
        : context_(context),
          serving_(serving),
          membership_(membership),
          ring_(ring),
          retained_(retained),
          history_(history),
          acknowledger_(acknowledger) {}

    /// Handles a publish of `shard`. Moves the contents out of `publish` when the publish is accepted or held. Answers
    /// with Published, after the delivery, unless the shard wants no answer; a publish that wants copies is answered by
    /// the Acknowledger.
    void on(Instant now, ShardIndex shard, Publish& publish, Effects& out);
    /// True when a publish would be numbered now: the node serves and is not paused.
    [[nodiscard]] bool may_number() const { return serving_.is_on() && !is_paused_; }
    /// From here on publishes are held back.
    void pause() { is_paused_ = true; }
    /// Ends the pause. Accepts or refuses each held publish, in the order of arrival.
    void resume(Instant now, Effects& out);
    /// Answers every held publish with kNotReady, because the node leaves. These refusals are not counted.
    void refuse_held(Effects& out);

    [[nodiscard]] std::uint64_t accepted() const { return accepted_; }
    [[nodiscard]] std::uint64_t refused() const { return refused_; }

private:
    /// The record that the publish becomes.
    [[nodiscard]] Record record_of(Instant now, Publish& publish);
    /// The answer to a publish that is not held.
    [[nodiscard]] PublishOutcome judge(const Publish& publish) const;
    /// Holds the publish while paused. False when not paused, or when the limit is reached: the caller then judges.
    [[nodiscard]] bool hold(ShardIndex shard, Publish& publish);

    MeshContext& context_;
    const Serving& serving_;
    const Membership& membership_;
    RecordRing& ring_;
    Retained& retained_;
    History& history_;
    Acknowledger& acknowledger_;
    TimedRecords timed_;
    bool is_paused_ = false;
    std::deque<std::pair<ShardIndex, Publish>> held_;
    std::uint64_t accepted_ = 0;
    std::uint64_t refused_ = 0;
};

}  // namespace tulle::mesh
