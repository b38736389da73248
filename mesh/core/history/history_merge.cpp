#include "mesh/core/history/history_merge.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "mesh/base/assert.hpp"

namespace tulle::mesh {

void HistoryMerge::end_with(const Stamp& last) {
    if (ends_with_.time_us == 0 || items_.key_comp()(last, ends_with_)) {
        ends_with_ = last;
    }
}

void HistoryMerge::add(const HistoryPart& part) {
    whole_since_us_ = std::min(whole_since_us_, part.whole_since_us);
    evicted_upto_us_ = std::max(evicted_upto_us_, part.evicted_upto_us);
    clock_us_ = std::max(clock_us_, part.clock_us);
    told_since_us_ = std::min(told_since_us_, part.told_since_us);
    dropped_us_ = std::max(dropped_us_, part.dropped_us);
    for (const Stamp& floor : part.floors) {
        std::uint64_t& upto_us = floors_[floor.origin];
        upto_us = std::max(upto_us, floor.time_us);
    }
    while (floors_.size() > kMaxHistoryFloors) {
        const auto oldest = std::min_element(floors_.begin(), floors_.end(),
                                             [](const auto& a, const auto& b) { return a.second < b.second; });
        dropped_us_ = std::max(dropped_us_, oldest->second);
        floors_.erase(oldest);
    }
    if (part.ends_with.time_us != 0) {
        end_with(part.ends_with);
    }
    for (const HistoryItem& item : part.items) {
        const bool is_behind = ends_with_.time_us != 0 && items_.key_comp()(ends_with_, item.stamp);
        if (!is_behind && items_.try_emplace(item.stamp, item).second) {
            bytes_ += item.cost();
            trim();
        }
    }
}

void HistoryMerge::trim() {
    while (items_.size() > ask_.limit || (bytes_ > kMaxHistoryPageBytes && items_.size() > 1)) {
        const auto last = std::prev(items_.end());
        TULLE_ASSERT(last->second.cost() <= bytes_);
        bytes_ -= last->second.cost();
        items_.erase(last);
        end_with(std::prev(items_.end())->first);
    }
}

HistoryPage HistoryMerge::take() {
    if (ends_with_.time_us != 0) {
        items_.erase(items_.upper_bound(ends_with_), items_.end());
    }
    HistoryPage page{.items = {},
                     .has_more = ends_with_.time_us != 0,
                     .answered_us = clock_us_,
                     .told_since_us = told_since_us_,
                     .floors = {},
                     .dropped_us = dropped_us_};
    for (const auto& [origin, upto_us] : floors_) {
        page.floors.push_back({upto_us, origin});
    }
    // A message on its way to the node that is told all is held by another node, or was given up there.
    if (whole_since_us_ != kNeverWhole) {
        page.whole_since_us = std::max(whole_since_us_, evicted_upto_us_ + 1);
    }
    for (auto& [stamp, item] : items_) {
        page.items.push_back(std::move(item));
    }
    items_.clear();
    return page;
}

}  // namespace tulle::mesh
