#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "tools/chaos/timeline.hpp"

namespace tulle::chaos {

/// What the gaps that were told to one subscription excuse. A gap excuses as many losses as it says, of messages that
/// were sent before it, whose place is between the messages of the same publisher and process that were delivered
/// before and after it, and which are not older than kThawSettle, unless one of the two nodes was frozen or cut off
/// meanwhile.
class GapBudget {
public:
    /// Both must outlive it.
    GapBudget(const Timeline& timeline, const Subscribed& subscription);

    /// True: a gap excuses the loss, and excuses one less from now on.
    [[nodiscard]] bool take(const Publication& lost);

private:
    using Origin = std::pair<std::uint32_t, std::size_t>;  ///< publisher and process
    using Places = std::map<Origin, std::uint64_t>;
    struct Gap {
        Instant at{};
        std::uint64_t left = 0;
        Places before;  ///< the greatest number delivered before the gap
        Places after;   ///< the smallest delivered after it
    };

    [[nodiscard]] bool is_in_reach(const Publication& lost, const Gap& gap) const;

    const Timeline& timeline_;
    const Subscribed& subscription_;
    std::vector<Gap> gaps_;
};

}  // namespace tulle::chaos
