#pragma once

#include <optional>

#include "mesh/core/history/history.hpp"
#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/node/tallies.hpp"
#include "mesh/core/presence/presence.hpp"
#include "mesh/core/retained/retained.hpp"
#include "mesh/core/trace/traces.hpp"

namespace tulle::mesh {

/// Sorts arriving records of other origins by kind: delivers a message, hands a change of presence, a retained event,
/// a message with history or a marked message to its service. Tells the subscribers about records that will never come.
///
/// Thread: confined to the hub.
/// Ownership: holds references to other services of the node, all of which outlive this object.
class Arrivals {
public:
    Arrivals(MeshContext& context, Presence& presence, Retained& retained, History& history, Traces& traces,
             const Tallies& tallies)
        : context_(context),
          presence_(presence),
          retained_(retained),
          history_(history),
          traces_(traces),
          tallies_(tallies) {}

    /// Sets the shards that exist, as a mask: bit i stands for shard i.
    void set_shards(std::uint64_t shards) { shards_ = shards; }
    /// Takes the next record of the link of `from`. Records of a link come in order of n, each at most once.
    void on_record(Instant now, OriginId from, const DeliverRecord& arrived, Effects& out);
    /// Takes the next record of a dead origin, as filled in by survivors. A change of presence is dropped: the users of
    /// a dead origin are leaving anyway, and an origin that comes back lists its users.
    void on_filled(Instant now, OriginId origin, const RecordPtr& record, Effects& out);
    /// All that others have of the records of a dead origin has been given to on_filled().
    void recovered(OriginId origin) { history_.recovered(origin); }
    /// Keeps the record in the histories of its channels, and does nothing else with the record.
    void keep_history(Instant now, OriginId origin, const Record& record) { history_.on_record(now, origin, record); }
    /// Sends a Gap to the shards concerned, and a line to the log. `upto`: no lost record has a greater number; nothing
    /// when nobody knows the greatest number. Losses on unknown channels go to every shard.
    void report_gone(Instant now, OriginId origin, std::optional<RecordNo> upto, const Gone& gone, Effects& out);

    /// Records that came by the links of other origins. Records that were filled in are not counted.
    [[nodiscard]] std::uint64_t received() const { return received_; }

private:
    /// When `origin` numbered the record, by this node's clock. Unknown when the record does not say, when the
    /// difference of the clocks has not been measured, and when the answer lies further off than records are kept.
    [[nodiscard]] Numbered numbered(Instant now, OriginId origin, const Record& record, TracePath path) const;

    MeshContext& context_;
    Presence& presence_;
    Retained& retained_;
    History& history_;
    Traces& traces_;
    const Tallies& tallies_;
    std::uint64_t shards_ = 0;
    std::uint64_t received_ = 0;
};

}  // namespace tulle::mesh
