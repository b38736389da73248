#pragma once

#include "mesh/core/interest/local_interest.hpp"
#include "mesh/core/node/mesh_context.hpp"

namespace tulle::mesh {

/// Compares all sessions: how much of this node's interest the peers have acknowledged, and how far the log may run
/// ahead of the slowest peer.
///
/// Thread: confined to the hub.
/// Limits: the log runs at most `interest_window` versions ahead of the slowest peer, and never further than
///         `interest_log`. Changes beyond wait in LocalInterest.
class InterestWindow {
public:
    InterestWindow(const MeshContext& context, LocalInterest& local) : context_(context), local_(local) {}

    /// The version that all counted peers have acknowledged. The greatest possible version when no peer is counted.
    [[nodiscard]] InterestVersion acked_by_all() const;
    /// True when no peer is counted, so no acknowledgement will come.
    [[nodiscard]] bool is_unheard() const;
    /// Lets changes of interest get versions as far as the slowest peer allows.
    void open();
    /// The longest time for which new subscriptions wait for a slow peer that still makes progress:
    /// `interest_patience_most`, and more for a node with very many channels, because a snapshot over a long way takes
    /// minutes.
    [[nodiscard]] Duration most_patience() const;

private:
    const MeshContext& context_;
    LocalInterest& local_;
};

}  // namespace tulle::mesh
