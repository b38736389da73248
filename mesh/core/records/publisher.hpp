#pragma once

#include <deque>
#include <utility>

#include "mesh/core/node/serving.hpp"
#include "mesh/core/records/record_ring.hpp"
#include "mesh/core/retained/retained.hpp"
#include "mesh/core/session/membership.hpp"

namespace tulle::mesh {

/// Accepts what the shards publish: numbers it, and delivers it here. While it is paused, as this node may have been
/// given up by others, publishes are held.
///
/// Thread: confined to the hub.
/// Limits: `held_publishes`; beyond them, while the node does not serve, or beyond the limits of port.hpp, a publish is
///         refused. Refusals are counted.
class Publisher {
public:
    Publisher(MeshContext& context, const Serving& serving, const Membership& membership, RecordRing& ring,
              Retained& retained)
        : context_(context), serving_(serving), membership_(membership), ring_(ring), retained_(retained) {}

    /// Takes out of `publish` what the record needs, when it is accepted or held.
    void on(Instant now, ShardIndex shard, Publish& publish, Effects& out);
    [[nodiscard]] bool may_number() const { return serving_.is_on() && !is_paused_; }
    void pause() { is_paused_ = true; }
    /// Looks at the publishes that were held.
    void resume(Instant now, Effects& out);
    /// Answers every held publish with kNotReady, because the node leaves. These refusals are not counted.
    void refuse_held(Effects& out);

    [[nodiscard]] std::uint64_t accepted() const { return accepted_; }
    [[nodiscard]] std::uint64_t refused() const { return refused_; }

private:
    [[nodiscard]] PublishOutcome judge(const Publish& publish) const;
    [[nodiscard]] bool hold(ShardIndex shard, Publish& publish);

    MeshContext& context_;
    const Serving& serving_;
    const Membership& membership_;
    RecordRing& ring_;
    Retained& retained_;
    bool is_paused_ = false;
    std::deque<std::pair<ShardIndex, Publish>> held_;
    std::uint64_t accepted_ = 0;
    std::uint64_t refused_ = 0;
};

}  // namespace tulle::mesh
