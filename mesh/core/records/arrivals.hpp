#pragma once

#include <optional>

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/presence/presence.hpp"
#include "mesh/core/retained/retained.hpp"
#include "mesh/core/trace/traces.hpp"

namespace tulle::mesh {

/// Takes the next record of another origin, and delivers it, holds it or tells of it, by its kind; and tells the
/// subscribers of records that will never come.
///
/// Thread: confined to the hub.
class Arrivals {
public:
    Arrivals(MeshContext& context, Presence& presence, Retained& retained, Traces& traces)
        : context_(context), presence_(presence), retained_(retained), traces_(traces) {}

    /// The shards that exist, as a mask.
    void set_shards(std::uint64_t shards) { shards_ = shards; }
    /// The next record of the link of `from`.
    void on_record(Instant now, OriginId from, const DeliverRecord& arrived, Effects& out);
    /// The next record of a dead origin, as others have filled it in. The users of the dead are leaving: a change of
    /// presence changes nothing, and if the origin comes back, it lists them.
    void on_filled(Instant now, OriginId origin, const RecordPtr& record, Effects& out);
    /// Tells the subscribers, and the log. No record that is gone is later than `upto`; nothing: nobody knows.
    void report_gone(OriginId origin, std::optional<RecordNo> upto, const Gone& gone, Effects& out) const;

    /// Records of other origins that came by their links.
    [[nodiscard]] std::uint64_t received() const { return received_; }

private:
    MeshContext& context_;
    Presence& presence_;
    Retained& retained_;
    Traces& traces_;
    std::uint64_t shards_ = 0;
    std::uint64_t received_ = 0;
};

}  // namespace tulle::mesh
