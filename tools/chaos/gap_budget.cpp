#include "tools/chaos/gap_budget.hpp"

#include <algorithm>
#include <limits>

#include "tools/chaos/checker.hpp"

namespace tulle::chaos {

GapBudget::GapBudget(const Timeline& timeline, const Subscribed& subscription)
    : timeline_(timeline), subscription_(subscription) {
    for (const GapTold& told : subscription.gaps) {
        constexpr auto kAny = std::numeric_limits<std::uint64_t>::max();  // nobody knows how many
        gaps_.push_back({told.at, told.missing == 0 ? kAny : told.missing, {}, {}});
    }
    if (gaps_.empty()) {
        return;
    }
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
