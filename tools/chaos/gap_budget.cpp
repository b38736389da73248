#include "tools/chaos/gap_budget.hpp"

#include <algorithm>
#include <limits>

#include "tools/chaos/checker.hpp"

namespace tulle::chaos {

GapBudget::GapBudget(const Timeline& timeline, const Subscribed& subscription)
    : timeline_(timeline), subscription_(subscription) {
    for (const GapTold& told : subscription.gaps) {
        // A gap of an unknown number of messages excuses any number.
        constexpr auto kAny = std::numeric_limits<std::uint64_t>::max();
        gaps_.push_back({told.at, told.missing == 0 ? kAny : told.missing, {}, {}});
    }
    if (gaps_.empty()) {
        return;
    }
    // Finds the neighbours of each gap: for every origin the last delivery before the gap and the first delivery after
    // the gap. Only losses between the neighbours can belong to the gap.
    for (const Delivery& delivery : subscription.deliveries) {
        const auto found = timeline.by_id.find(delivery.id);
        if (found == timeline.by_id.end() || !timeline.publications[found->second].process) {
            continue;
        }
        const Origin origin{delivery.id.publisher, *timeline.publications[found->second].process};
        for (Gap& gap : gaps_) {
            if (delivery.at < gap.at) {
                std::uint64_t& last = gap.before[origin];
                last = std::max(last, delivery.id.number);
            } else {
                gap.after.try_emplace(origin, delivery.id.number);
            }
        }
    }
}

bool GapBudget::is_in_reach(const Publication& lost, const Gap& gap) const {
    // An old loss belongs to a late gap only when a freeze or a cut held up the repair.
    return gap.at - lost.sent <= kThawSettle ||
           timeline_.stopped_within(subscription_.node, lost.sent - kHeal, gap.at) ||
           timeline_.stopped_within(lost.node, lost.sent - kHeal, gap.at) ||
           timeline_.cut_within(subscription_.node, lost.node, lost.sent - kHeal, gap.at);
}

bool GapBudget::take(const Publication& lost) {
    if (!lost.process) {
        return false;
    }
    const Origin origin{lost.id.publisher, *lost.process};
    // The first gap that fits pays. Gaps are in the order of time, so an early loss does not use up a later gap without
    // need.
    for (Gap& gap : gaps_) {
        const auto before = gap.before.find(origin);
        const auto after = gap.after.find(origin);
        if (gap.left > 0 && lost.sent < gap.at && (before == gap.before.end() || before->second < lost.id.number) &&
            (after == gap.after.end() || lost.id.number < after->second) && is_in_reach(lost, gap)) {
            --gap.left;
            return true;
        }
    }
    return false;
}

}  // namespace tulle::chaos
