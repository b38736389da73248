#pragma once

#include <cstddef>
#include <cstdint>

#include "mesh/base/time.hpp"

namespace tulle::sim {

/// Messages and bytes that one node sends in a second, on average.
struct Rate {
    double control = 0;
    double control_bytes = 0;
    double data = 0;
    double data_bytes = 0;
};

/// How one size of mesh behaves.
struct Growth {
    std::size_t nodes = 0;
    bool converged = false;
    Duration convergence{};    ///< from the first start until everybody holds everybody's interest
    double join_messages = 0;  ///< control messages that one node sends until then
    double join_bytes = 0;
    Duration tick{};    ///< a hub turn takes in what has come in so long; also the way of a message
    Duration window{};  ///< virtual time of each of the following
    Rate idle;
    Rate changing;         ///< one change of interest a second on every node
    Rate after_kill;       ///< the second in which one node is killed
    Duration found_out{};  ///< until all others have found that out
};

/// Starts `nodes` nodes that know three seeds, in virtual time, on a network without faults; all is measured with the
/// bytes that the wire codec makes (of the most frequent kinds one in sixteen is encoded).
[[nodiscard]] Growth measure_growth(std::size_t nodes);

}  // namespace tulle::sim
