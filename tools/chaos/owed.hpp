#pragma once

#include <string>

#include "mesh/base/time.hpp"
#include "tools/chaos/timeline.hpp"

namespace tulle::chaos {

/// Until when a message must have had its way, considering that the two nodes may have been frozen or cut off from each
/// other.
struct Due {
    Instant origin;      ///< the origin must have lived until here
    Instant subscriber;  ///< the subscription must have lasted until here
    bool heal = false;   ///< there was a freeze or a cut about that time
};

/// `patience`: how long after its answer it may be under way when nothing hinders it.
[[nodiscard]] Due due_of(const Timeline& timeline, const Publication& publication, std::uint32_t subscriber,
                         Duration patience);

/// Whether the two had met when the message was sent, or must have: the later one could ask a seed, or both had lived
/// for kHeal without a freeze or a cut.
[[nodiscard]] bool had_met(const Timeline& timeline, const Publication& publication, const Subscribed& subscription);

/// When a cut between the two ends that others can pass the message round, and that lasts so long that it must come
/// before; kNever when there is none.
[[nodiscard]] Instant due_by_witness(const Timeline& timeline, const Publication& publication,
                                     std::uint32_t subscriber);

/// For people.
[[nodiscard]] std::string text_of(const Publication& publication, const Subscribed& subscription);

}  // namespace tulle::chaos
