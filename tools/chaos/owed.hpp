#pragma once

#include <string>

#include "mesh/base/time.hpp"
#include "tools/chaos/timeline.hpp"

namespace tulle::chaos {

/// Until when a message must have reached a subscriber, considering freezes and cuts of the two nodes.
struct Due {
    /// The origin must have lived until this moment for the message to be owed.
    Instant origin;
    /// The subscription must have lasted until this moment for the message to be owed.
    Instant subscriber;
    /// True when a freeze or a cut fell into the time of the message. A loss then breaks P6, not P1.
    bool heal = false;
};

/// The due times of a message for a subscriber at node `subscriber`. `patience` is the time after the answer that a
/// message may be under way without any hindrance. A hindrance that begins before the due time and has no end in the
/// history yields kNever.
[[nodiscard]] Due due_of(const Timeline& timeline, const Publication& publication, std::uint32_t subscriber,
                         Duration patience);

/// True when the two processes had met when the message was sent, or must have met: the later process could ask a seed,
/// or both had lived for 3 s before a calm of kHeal, without a freeze or a cut at either node. Nodes that have not met
/// owe each other nothing.
[[nodiscard]] bool had_met(const Timeline& timeline, const Publication& publication, const Subscribed& subscription);

/// The end of a cut between the two nodes, during which a third node could pass the message round, if the cut lasted
/// long enough to demand arrival before the end. kNever without such a cut.
[[nodiscard]] Instant due_by_witness(const Timeline& timeline, const Publication& publication,
                                     std::uint32_t subscriber);

/// The message and the subscription in words, for the details of a violation.
[[nodiscard]] std::string text_of(const Publication& publication, const Subscribed& subscription);

}  // namespace tulle::chaos
