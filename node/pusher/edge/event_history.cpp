#include "node/pusher/edge/event_history.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace tulle::node {

static_assert(kMaxHistoryEvents == mesh::kMaxHistorySize && kMaxHistoryEventBytes == mesh::kMaxHistoryBytes);
static_assert(kMaxHistoryAge == mesh::kMaxHistoryTtl);
static_assert(pusher::kMaxHistoryPageEvents == mesh::kMaxHistoryPage);

mesh::RecordHistoryPtr history_of(const std::vector<pusher::HistoryBounds>& histories) {
    if (histories.empty()) {
        return nullptr;
    }
    mesh::RecordHistory history;
    for (const pusher::HistoryBounds& bounds : histories) {
        if (bounds.size == 0) {
            history.places.push_back(0);
            continue;
        }
        const mesh::HistoryLimits limits{bounds.size, bounds.bytes, bounds.ttl};
        const auto known = std::find(history.limits.begin(), history.limits.end(), limits);
        history.places.push_back(static_cast<std::uint8_t>(known - history.limits.begin() + 1));
        if (known == history.limits.end()) {
            history.limits.push_back(limits);
        }
    }
    return std::make_shared<const mesh::RecordHistory>(std::move(history));
}

mesh::HistoryAsk ask_of(const pusher::HistoryRead& read) {
    return {.channel = read.channel,
            .newest_first = read.newest_first,
            .limit = read.limit,
            .from_us = read.from_us,
            .to_us = read.to_us,
            .behind = {read.behind.time_us, read.behind.origin}};
}

pusher::HistoryFindings findings_of(mesh::HistoryPage page) {
    pusher::HistoryFindings found{
        .events = {}, .has_more = page.has_more, .whole_since_us = {}, .answered_us = page.answered_us};
    if (page.whole_since_us != mesh::kNeverWhole) {
        found.whole_since_us = page.whole_since_us;
    }
    for (mesh::HistoryItem& item : page.items) {
        found.events.push_back(
            {{item.stamp.time_us, item.stamp.origin}, std::move(item.body), std::move(item.exclude_socket)});
    }
    return found;
}

}  // namespace tulle::node
