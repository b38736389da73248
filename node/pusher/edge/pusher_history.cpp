#include "node/pusher/edge/pusher_history.hpp"

#include <algorithm>

namespace tulle::node {
namespace {

static_assert(pusher::kMaxReplayEvents <= mesh::kMaxHistoryPage);
static_assert(pusher::kMaxPositionPlaces == mesh::kMaxPositionOrigins);

mesh::HistoryPosition position_of(const pusher::HistoryPosition& position) {
    mesh::HistoryPosition made{.settled_us = position.settled_us};
    for (const pusher::HistoryPlace& place : position.seen) {
        made.seen.push_back({place.time_us, place.origin});
    }
    return made;
}

pusher::HistoryPosition position_of(const mesh::HistoryPosition& position) {
    pusher::HistoryPosition made{.settled_us = position.settled_us};
    for (const mesh::Stamp& stamp : position.seen) {
        made.seen.push_back({stamp.time_us, stamp.origin});
    }
    return made;
}

std::string_view reason_of(mesh::ResumeOutcome outcome) {
    switch (outcome) {
        case mesh::ResumeOutcome::kBegun:
        case mesh::ResumeOutcome::kRecovered:
            break;
        case mesh::ResumeOutcome::kTooMany:
            return "window";
        case mesh::ResumeOutcome::kEvicted:
            return "evicted";
        case mesh::ResumeOutcome::kLost:
            return "lost";
    }
    return {};
}

}  // namespace

bool PusherHistory::Replay::has(const mesh::Stamp& stamp) const {
    const auto is_seen = [&stamp](const pusher::HistoryPlace& place) {
        return place.origin == stamp.origin && place.time_us >= stamp.time_us;
    };
    const bool was_seen = told.is_resumed && told.reason.empty() && told.at &&
                          std::any_of(told.at->seen.begin(), told.at->seen.end(), is_seen);
    return was_seen ||
           std::any_of(items.begin(), items.end(), [&stamp](const auto& item) { return item.stamp == stamp; });
}

PusherHistory::Wish* PusherHistory::find(Slot slot, std::string_view channel) {
    const auto mine = wishes_.find(slot.value);
    if (mine == wishes_.end()) {
        return nullptr;
    }
    const auto wish = std::find_if(mine->second.begin(), mine->second.end(),
                                   [channel](const Wish& one) { return one.channel == channel; });
    return wish == mine->second.end() ? nullptr : &*wish;
}

void PusherHistory::want(Slot slot, const std::string& channel, const pusher::HistoryWish& wish,
                         const HistoryRule* rule, std::size_t most_bytes) {
    Wish entered{.channel = channel, .wish = wish, .limits = {}, .most_bytes = most_bytes / 2};
    if (rule == nullptr || rule->size == 0) {
        entered.answer = Replay{{.reason = "no_history", .is_resumed = wish.since || wish.is_bad_position}, {}};
    } else {
        entered.limits = {rule->size, rule->bytes, rule->ttl};
    }
    wishes_[slot.value].push_back(std::move(entered));
}

bool PusherHistory::ask(Slot slot, const std::string& channel) {
    Wish* wish = find(slot, channel);
    if (wish == nullptr || wish->answer) {
        return false;
    }
    wish->id = ++last_id_;
    asked_.emplace(wish->id, std::pair(slot, channel));
    mesh::Resume message{.id = wish->id, .channel = channel, .limits = wish->limits};
    if (wish->wish.since) {
        message.since = position_of(*wish->wish.since);
    }
    message.rewind = wish->wish.rewind;
    message.rewind_for = wish->wish.rewind_for;
    message.socket = wish->wish.socket;
    message.most = pusher::kMaxReplayEvents;
    message.most_bytes = wish->most_bytes;
    hub_.send(std::move(message));
    return true;
}

std::optional<std::pair<Slot, std::string>> PusherHistory::on_resumed(mesh::Resumed& answer) {
    const auto asked = asked_.find(answer.id);
    if (asked == asked_.end()) {
        return std::nullopt;
    }
    std::pair<Slot, std::string> subscription = std::move(asked->second);
    asked_.erase(asked);
    Wish* wish = find(subscription.first, subscription.second);
    if (wish == nullptr || wish->id != answer.id) {
        return std::nullopt;
    }
    const bool is_bad = wish->wish.is_bad_position;
    Replay replay{{.reason = is_bad ? "position" : reason_of(answer.outcome),
                   .is_resumed = is_bad || answer.outcome != mesh::ResumeOutcome::kBegun,
                   .replayed = answer.items.size(),
                   .at = {}},
                  std::move(answer.items)};
    // Without a place nothing could ever be said of what comes behind.
    if (answer.at != mesh::HistoryPosition{}) {
        replay.told.at = position_of(answer.at);
    }
    wish->answer = std::move(replay);
    for (const mesh::Stamp& stamp : answer.ahead) {
        skips_[subscription.second].push_back({subscription.first, stamp, reactor_.now() + kSkipFor});
    }
    return subscription;
}

std::optional<PusherHistory::Replay> PusherHistory::take(Slot slot, std::string_view channel) {
    Wish* wish = find(slot, channel);
    if (wish == nullptr || !wish->answer) {
        return std::nullopt;
    }
    std::optional<Replay> answer = std::move(wish->answer);
    std::vector<Wish>& mine = wishes_[slot.value];
    mine.erase(mine.begin() + (wish - mine.data()));
    if (mine.empty()) {
        wishes_.erase(slot.value);
    }
    return answer;
}

void PusherHistory::forget(Slot slot, std::string_view channel) noexcept {
    if (const auto mine = wishes_.find(slot.value); mine != wishes_.end()) {
        std::erase_if(mine->second, [&](const Wish& wish) {
            if (wish.channel == channel) {
                asked_.erase(wish.id);
            }
            return wish.channel == channel;
        });
        if (mine->second.empty()) {
            wishes_.erase(mine);
        }
    }
    if (const auto skips = skips_.find(channel); skips != skips_.end()) {
        std::erase_if(skips->second, [slot](const Skip& skip) { return skip.slot == slot; });
        if (skips->second.empty()) {
            skips_.erase(skips);
        }
    }
}

void PusherHistory::forget_wishes(Slot slot) noexcept {
    if (const auto mine = wishes_.find(slot.value); mine != wishes_.end()) {
        for (const Wish& wish : mine->second) {
            asked_.erase(wish.id);
        }
        wishes_.erase(mine);
    }
}

std::optional<std::vector<Slot>> PusherHistory::without_skips(std::string_view channel, const mesh::Stamp& stamp,
                                                              std::span<const Slot> subscribers) {
    // Usually no client is ahead of this node.
    if (skips_.empty()) {
        return std::nullopt;
    }
    const auto skips = skips_.find(channel);
    if (skips == skips_.end()) {
        return std::nullopt;
    }
    std::vector<Slot> skipped;
    std::erase_if(skips->second, [&](const Skip& skip) {
        if (skip.upto.origin == stamp.origin && stamp.time_us <= skip.upto.time_us) {
            skipped.push_back(skip.slot);
        }
        // Messages of an origin come in order.
        return skip.until <= reactor_.now() || (skip.upto.origin == stamp.origin && stamp.time_us >= skip.upto.time_us);
    });
    if (skips->second.empty()) {
        skips_.erase(skips);
    }
    if (skipped.empty()) {
        return std::nullopt;
    }
    std::vector<Slot> others(subscribers.begin(), subscribers.end());
    const auto before = [](Slot a, Slot b) { return a.value < b.value; };
    std::sort(skipped.begin(), skipped.end(), before);
    std::erase_if(others, [&](Slot slot) { return std::binary_search(skipped.begin(), skipped.end(), slot, before); });
    return others;
}

}  // namespace tulle::node
