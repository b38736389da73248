#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "tools/chaos/timeline.hpp"

namespace tulle::chaos {

/// Decides how many losses the gaps announced to a subscription excuse.
///
/// A gap excuses as many losses as the gap announces. An excused loss is a message sent before the gap, with a place in
/// the sequence of publisher and process between the messages delivered before and after the gap, and no older than
/// kThawSettle. The age does not matter if the node of the subscriber or of the message was frozen, or a cut lay
/// between the two, in the meantime.
///
/// Limits: a gap that announces 0 losses does not know the number, and excuses any number.
class GapBudget {
public:
    /// `timeline` and `subscription` must outlive the budget.
    GapBudget(const Timeline& timeline, const Subscribed& subscription);

    /// Returns true when a gap excuses the loss; the gap then excuses a loss less. Each lost message must be asked
    /// about only once.
    [[nodiscard]] bool take(const Publication& lost);

private:
    /// Publisher and process: within this pair numbers grow.
    using Origin = std::pair<std::uint32_t, std::size_t>;
    using Places = std::map<Origin, std::uint64_t>;
    /// An announcement and the remaining excuses.
    struct Gap {
        Instant at{};
        std::uint64_t left = 0;
        /// The greatest number delivered before the gap, for each origin.
        Places before;
        /// The smallest number delivered after the gap, for each origin.
        Places after;
    };

    /// True when the message was recent enough for the gap, or a freeze or a cut explains the age.
    [[nodiscard]] bool is_in_reach(const Publication& lost, const Gap& gap) const;

    const Timeline& timeline_;
    const Subscribed& subscription_;
    std::vector<Gap> gaps_;
};

}  // namespace tulle::chaos
