#pragma once

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/session/membership.hpp"

namespace tulle::mesh {

/// Whether this node serves clients: from the moment at which it has joined the mesh, until it retires. A node that is
/// deaf on control, or that its peers refuse, does not serve: it would confirm subscriptions that nobody else knows of.
///
/// Thread: confined to the hub.
class Serving {
public:
    Serving(MeshContext& context, Membership& membership) : context_(context), membership_(membership) {}

    [[nodiscard]] bool is_on() const { return is_on_; }
    [[nodiscard]] bool is_retiring() const { return is_retiring_; }
    /// The node retires: it serves nobody from now on, and dials nobody. The shards are told when tell_retired() says
    /// so: what the node says before that is still of a node that serves.
    void retire(Effects& out);
    void tell_retired(Effects& out);
    /// Ends a turn. True: the node has joined just now.
    bool tick(Instant now, Effects& out);
    [[nodiscard]] std::optional<Instant> next_deadline() const;

private:
    [[nodiscard]] bool may_begin() const {
        return !is_on_ && !is_retiring_ && !membership_.barred() && !membership_.is_deaf() && !membership_.is_refused();
    }
    void check(Effects& out);

    MeshContext& context_;
    Membership& membership_;
    bool is_on_ = false;
    bool is_retiring_ = false;
};

}  // namespace tulle::mesh
