#pragma once

#include <cstddef>
#include <cstdint>

#include "mesh/base/time.hpp"

namespace tulle::sim {

/// Messages and bytes sent by a node in a second, on average over all nodes.
struct Rate {
    double control = 0;
    double control_bytes = 0;
    double data = 0;
    double data_bytes = 0;
};

/// How a mesh of a given size behaves.
struct Growth {
    std::size_t nodes = 0;
    /// False: the mesh did not converge in time, and the other figures are void.
    bool converged = false;
    /// From the first start until every node holds every other node's interest.
    Duration convergence{};
    /// Control messages sent by a node until convergence.
    double join_messages = 0;
    double join_bytes = 0;
    /// A turn of a hub takes in the messages of this time. Also the time of a message on the way.
    Duration tick{};
    /// The virtual time over which each of the following rates is measured.
    Duration window{};
    Rate idle;
    /// With a change of interest a second on every node.
    Rate changing;
    /// The second in which a node is killed.
    Rate after_kill;
    /// From the kill until all others have found the death.
    Duration found_out{};
};

/// Starts `nodes` nodes with three seeds in virtual time, on a network without faults, and measures by the bytes of the
/// wire codec. Of the most frequent kinds of messages one in sixteen is encoded, to save time.
[[nodiscard]] Growth measure_growth(std::size_t nodes);

}  // namespace tulle::sim
