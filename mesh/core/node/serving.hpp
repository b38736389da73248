#pragma once

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/session/membership.hpp"

namespace tulle::mesh {

/// Decides whether this node serves clients: from joining the mesh until retiring. A node deaf on control, or refused
/// by its peers, does not serve: it would confirm subscriptions that no other node knows.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Ownership: refers to the context and the Membership of the node; both outlive the Serving.
/// Errors: none. A node that must stop serving logs an error, and begins again when the cause is gone.
class Serving {
public:
    Serving(MeshContext& context, Membership& membership) : context_(context), membership_(membership) {}

    /// True while this node serves clients.
    [[nodiscard]] bool is_on() const { return is_on_; }
    /// True from retire() on.
    [[nodiscard]] bool is_retiring() const { return is_retiring_; }
    /// The node retires for good: dials nobody any more, and introduces itself as not ready. The shards are told by
    /// tell_retired(); words said in between are still the words of a serving node.
    void retire(Effects& out);
    /// Ends serving, and tells the shards.
    void tell_retired(Effects& out);
    /// Ends a turn: stops or begins serving. True: the node has begun to serve in this turn.
    bool tick(Instant now, Effects& out);
    /// When the join gate has something to do next; nothing while the node serves or must not begin.
    [[nodiscard]] std::optional<Instant> next_deadline() const;

private:
    /// True when nothing but the join gate keeps the node from serving.
    [[nodiscard]] bool may_begin() const {
        return !is_on_ && !is_retiring_ && !membership_.barred() && !membership_.is_deaf() && !membership_.is_refused();
    }
    /// Stops serving when this node is deaf or refused.
    void check(Effects& out);

    MeshContext& context_;
    Membership& membership_;
    bool is_on_ = false;
    bool is_retiring_ = false;
};

}  // namespace tulle::mesh
