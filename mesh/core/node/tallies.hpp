#pragma once

#include <cstdint>
#include <map>

#include "mesh/core/node/messages.hpp"
#include "mesh/core/trace/trace_table.hpp"

namespace tulle::mesh {

/// Figures about a node over all of its sessions, for people.
struct Tally {
    /// Holes found in the node's frames, and the holes that were filled.
    std::uint64_t gaps = 0;
    std::uint64_t repaired = 0;
    /// Smoothed round trip; 0: not measured yet.
    std::uint64_t rtt_us = 0;
    std::uint64_t sessions = 0;
    /// The node's monotonic clock less ours.
    ClockOffset clock;
    /// From the node's last heartbeat.
    Load load;
};

/// The tallies of all known nodes, and the sum over nodes that are no longer known.
///
/// Thread: confined to the hub.
/// Limits: as many tallies as Membership knows nodes; the others are added up.
class Tallies {
public:
    /// The node's tally, made if there is none.
    [[nodiscard]] Tally& of(OriginId oid) { return tallies_[oid]; }
    /// The node's tally; null if there is none.
    [[nodiscard]] const Tally* find(OriginId oid) const {
        const auto found = tallies_.find(oid);
        return found == tallies_.end() ? nullptr : &found->second;
    }
    /// Adds up and drops the tallies of nodes for which `is_known(oid)` is false, so sums over all nodes never fall.
    template <class IsKnown>
    void forget(IsKnown&& is_known) {
        for (auto it = tallies_.begin(); it != tallies_.end();) {
            if (is_known(it->first)) {
                ++it;
                continue;
            }
            forgotten_.gaps += it->second.gaps;
            forgotten_.repaired += it->second.repaired;
            it = tallies_.erase(it);
        }
    }
    /// The sums over dropped tallies: gaps and repaired only.
    [[nodiscard]] const Tally& forgotten() const { return forgotten_; }

private:
    std::map<OriginId, Tally> tallies_;
    Tally forgotten_;
};

}  // namespace tulle::mesh
