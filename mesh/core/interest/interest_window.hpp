#pragma once

#include "mesh/core/interest/local_interest.hpp"
#include "mesh/core/node/mesh_context.hpp"

namespace tulle::mesh {

/// How far the peers are with this node's interest, over all sessions, and how far the log may run ahead of them.
///
/// Thread: confined to the hub.
/// Limits: `interest_window` versions ahead of the peer that is furthest behind, or the length of the log if that is
///         less.
class InterestWindow {
public:
    InterestWindow(const MeshContext& context, LocalInterest& local) : context_(context), local_(local) {}

    /// The version that all peers hold of those whose acknowledgements are waited for; the greatest there is without
    /// any.
    [[nodiscard]] InterestVersion acked_by_all() const;
    /// No peer's acknowledgements are waited for.
    [[nodiscard]] bool is_unheard() const;
    /// Lets changes of our interest get versions as far as the slowest peer allows.
    void open();
    /// How long new subscriptions wait at most for a peer that is slow: a snapshot of many channels over a long way
    /// takes minutes.
    [[nodiscard]] Duration most_patience() const;

private:
    const MeshContext& context_;
    LocalInterest& local_;
};

}  // namespace tulle::mesh
