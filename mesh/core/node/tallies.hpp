#pragma once

#include <cstdint>
#include <map>

#include "mesh/core/node/messages.hpp"
#include "mesh/core/trace/trace_table.hpp"

namespace tulle::mesh {

/// Figures about one node over all of its sessions, for people.
struct Tally {
    std::uint64_t gaps = 0;
    std::uint64_t repaired = 0;
    std::uint64_t rtt_us = 0;  ///< smoothed; 0: not measured yet
    std::uint64_t sessions = 0;
    ClockOffset clock;
    Load load;
};

/// The tallies of all nodes that are known, and the sum of those that are not known any more.
/// Thread: confined to the hub. Limits: as many as membership knows nodes; the others are added up.
class Tallies {
public:
    [[nodiscard]] Tally& of(OriginId oid) { return tallies_[oid]; }
    /// Null when there is none.
    [[nodiscard]] const Tally* find(OriginId oid) const {
        const auto found = tallies_.find(oid);
        return found == tallies_.end() ? nullptr : &found->second;
    }
    /// Adds up the tallies of those that `is_known(oid)` denies.
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
    [[nodiscard]] const Tally& forgotten() const { return forgotten_; }

private:
    std::map<OriginId, Tally> tallies_;
    Tally forgotten_;
};

}  // namespace tulle::mesh
